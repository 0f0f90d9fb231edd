"""Many files of any kind, of which none may stop the others."""
