//! rt-dicom.
