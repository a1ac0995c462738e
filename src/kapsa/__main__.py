"""`kapsa` and `python -m kapsa`: the command line, which loads the operator only to run it."""

from kapsa.cli import make_cli


def _run() -> None:
    # The operator and what it stands on take seconds to load; the other commands need none of it.
    from kapsa.main import run  # noqa: PLC0415

    run()


main = make_cli(_run)


if __name__ == "__main__":
    main()
