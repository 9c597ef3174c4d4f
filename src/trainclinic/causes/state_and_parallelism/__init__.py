"""How a run is continued, loaded and spread over devices."""
