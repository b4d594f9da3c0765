"""The real outside: every operating system and third-party call with an effect is made here."""
