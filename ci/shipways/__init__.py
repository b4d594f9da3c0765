"""shipways releases and deploys software from one declarative file."""

__version__ = "0.1.0"
