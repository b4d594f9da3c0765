"""Values that tests of migrations share: a home folder, and a migration of a text."""

from collections.abc import Mapping
from pathlib import Path

from shipways.migrate.json5 import parse
from shipways.migrate.mapping import Around, Migration, Row, migrate
from shipways.migrate.variables import settings

FIXTURES = Path(__file__).parent / "fixtures/openclaw"
PLACES = {
    "current": ".openclaw/openclaw.json",
    "clawdbot": ".clawdbot/clawdbot.json",
    "ancient": ".clawdbot/clawdbot.json",
}


def migrated(text: str, *, env: Mapping[str, str] | None = None, dotenv: str = "") -> Migration:
    """What becomes of a configuration, with these variables and this file of variables beside it."""
    around = Around(settings={".env": settings(dotenv)}, env=env or {}, folder="/s", data_dir="/d")
    return migrate(parse(text, "openclaw.json"), around)


def row(migration: Migration, key: str) -> Row:
    """The one row of a key."""
    (found,) = [each for each in migration.rows if each.key == key]
    return found


def home(folder: Path, text: str, name: str = ".openclaw/openclaw.json") -> Path:
    """A home folder with a configuration."""
    place = folder / name
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text)
    return place
