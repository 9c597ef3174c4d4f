"""Why a run is slower than it could be."""
