"""Repository metadata as large as a distribution's, with no package files behind what is made up."""
