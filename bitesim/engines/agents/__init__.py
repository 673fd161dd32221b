"""Agents in space: cells on a lattice of marrow, T cells that walk, bind, kill and tire."""
