//! rt-course.
