"""Errors a reader can act on; everything else stays a plain Python error.

    ClvError
    ├── SettingsError            config.toml or CLV_* is wrong                     exit 2
    ├── SourceError              an input file, or its mapping, cannot be read     exit 3
    ├── SqlFileError             a file under sql/ breaks the house rules          exit 4
    ├── CheckFailedError         a check found rows that break it                  exit 5
    ├── BuildError               a build could not be made or published            exit 6
    │   └── NoBuildError         nothing has been published yet
    ├── BusyError                another process holds the lock                    exit 7
    ├── ModelError               a model cannot be fitted, loaded or used          exit 8
    │   ├── NotEnoughDataError   too little history for what was asked
    │   ├── NotFittedError       used before it was fitted
    │   └── TamperedModelError   a registry file does not match its checksum
    ├── RequestError             a browser or caller asked for something not allowed  exit 9
    └── DiskFullError            nothing more can be written                       exit 10

Each message says what was found, where, and what to do. The command line prints it in one line and
exits with the code; pages show it in the "failed" state; the scheduler writes it into the run's row.
"""


class ClvError(Exception):
    """Base of all errors whose message is meant for the user."""

    exit_code = 1


class SettingsError(ClvError):
    """config.toml or a CLV_* variable is wrong."""

    exit_code = 2


class SourceError(ClvError):
    """An input file, or the mapping that reads it, cannot be used."""

    exit_code = 3


class SqlFileError(ClvError):
    """A file under sql/ breaks a house rule: header, naming, references or portability."""

    exit_code = 4


class CheckFailedError(ClvError):
    """A check in sql/checks/ returned rows."""

    exit_code = 5


class BuildError(ClvError):
    """A build could not be made, published or opened."""

    exit_code = 6


class NoBuildError(BuildError):
    """Nothing has been published yet."""


class BusyError(ClvError):
    """Another process holds the lock that this one needs."""

    exit_code = 7


class ModelError(ClvError):
    """A model cannot be fitted, loaded or used."""

    exit_code = 8


class NotEnoughDataError(ModelError):
    """There is too little history or there are too few customers for what was asked."""


class NotFittedError(ModelError):
    """A model was used before it was fitted."""


class TamperedModelError(ModelError):
    """A file in the registry does not match the checksum on its card."""


class RequestError(ClvError):
    """A browser or a caller asked for something that the contract does not allow."""

    exit_code = 9


class DiskFullError(ClvError):
    """The disk that holds the data folder, or what spills from it, is full."""

    exit_code = 10
