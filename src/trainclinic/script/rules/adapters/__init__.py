"""Adapters: how they are attached, trained, saved and merged, and models in few bits."""
