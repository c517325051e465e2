//! The circuits above the segment.
