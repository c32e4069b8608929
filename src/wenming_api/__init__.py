"""wenming_api: the system with which a city's civility office (文明办) runs its bid to be a National Civilised City."""

__version__ = "0.1.0"
