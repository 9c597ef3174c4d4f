"""`python -m trainclinic` is the same as the `trainclinic` command."""

from trainclinic.cli.app import main

if __name__ == "__main__":
    main()
