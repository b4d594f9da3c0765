"""The application: operations, page, and what is around them."""

from typing import Final

from starlette.middleware import Middleware

from shipways import __version__
from shipways.config.kinds import in_bytes
from shipways.config.serve import Serve
from shipways.deployer import page, problems, routes, service
from shipways.deployer.access import Door, Sessions
from shipways.deployer.asked import House
from shipways.deployer.description import Described
from shipways.deployer.desk import Desk
from shipways.deployer.figures import Counted, Figures
from shipways.deployer.limits import Bounded, Gate, Headed, Rates
from shipways.deployer.tokens import Keys, Tokens
from shipways.ports import Clock

_ABOUT: Final = "Brings services to hosts: checks, transfers, builds, starts, verifies and registers them."


def application(desk: Desk, serve: Serve, tokens: Tokens, clock: Clock) -> Described:
    """The whole of it, for a server of ASGI."""
    keys, sessions, figures = Keys(tokens), Sessions(clock), Figures()
    app = Described(
        title="shipways deployer",
        description=_ABOUT,
        version=__version__,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,
        middleware=[
            Middleware(Counted, figures),
            Middleware(Headed, secure=bool(serve.access.certificate)),
            Middleware(problems.Caught),
            Middleware(Gate, Door(keys, sessions, loopback=serve.access.loopback), Rates(clock, serve.access.rate)),
            Middleware(Bounded, in_bytes(serve.access.body)),
        ],
    )
    app.state.house = House(desk=desk, serve=serve, keys=keys, sessions=sessions, figures=figures, clock=clock)
    problems.install(app)
    for part in (routes, service, page):
        app.include_router(part.router)
    app.mount("/static", page.STATIC)
    return app
