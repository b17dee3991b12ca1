"""`python -m sessionful`: the command line, where its script is not on the path."""

from sessionful.cli import main

if __name__ == "__main__":
    main()
