"""completion: apart from the other verbs, for it runs whenever a shell starts."""

import click
from click.shell_completion import get_completion_class


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the completion for a SHELL; for bash: `eval "$(shipways completion bash)"`."""
    generator = get_completion_class(shell)
    if generator is not None:
        script = generator(context.find_root().command, {}, "shipways", "_SHIPWAYS_COMPLETE")
        # Not `source()`: for bash it runs the bash of this machine, which may not be the one that completes.
        click.echo(script.source_template % script.source_vars())
