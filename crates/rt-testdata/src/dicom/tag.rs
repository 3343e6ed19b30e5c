//! The elements that are written here: tag and value representation (DICOM PS3.6 chapter 6).
// tidy: table of elements

/// Group and element number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(pub u16, pub u16);

impl Tag {
    /// The value representation of the standard for the tags below and those of the meta header; `UN` for any other.
    pub fn vr(self) -> [u8; 2] {
        match self {
            Self(0x0002, 0x0002 | 0x0003 | 0x0010 | 0x0012) => *b"UI",
            Self(0x0002, 0x0013) => *b"SH",
            _ => TABLE.iter().find(|row| row.0 == self).map_or(*b"UN", |row| *row.1),
        }
    }
}

macro_rules! tags {
    ($($name:ident $group:literal $element:literal $vr:literal $keyword:literal;)*) => {
        $(
            #[doc = concat!("`", $keyword, "`.")]
            pub const $name: Tag = Tag($group, $element);
        )*

        /// Every tag with its value representation.
        const TABLE: &[(Tag, &[u8; 2])] = &[$((Tag($group, $element), $vr),)*];
    };
}

tags! {
    SPECIFIC_CHARACTER_SET 0x0008 0x0005 b"CS" "SpecificCharacterSet";
    IMAGE_TYPE 0x0008 0x0008 b"CS" "ImageType";
    INSTANCE_CREATION_DATE 0x0008 0x0012 b"DA" "InstanceCreationDate";
    INSTANCE_CREATION_TIME 0x0008 0x0013 b"TM" "InstanceCreationTime";
    SOP_CLASS_UID 0x0008 0x0016 b"UI" "SOPClassUID";
    SOP_INSTANCE_UID 0x0008 0x0018 b"UI" "SOPInstanceUID";
    STUDY_DATE 0x0008 0x0020 b"DA" "StudyDate";
    SERIES_DATE 0x0008 0x0021 b"DA" "SeriesDate";
    ACQUISITION_DATE 0x0008 0x0022 b"DA" "AcquisitionDate";
    SERIES_TIME 0x0008 0x0031 b"TM" "SeriesTime";
    ACQUISITION_TIME 0x0008 0x0032 b"TM" "AcquisitionTime";
    STUDY_TIME 0x0008 0x0030 b"TM" "StudyTime";
    ACCESSION_NUMBER 0x0008 0x0050 b"SH" "AccessionNumber";
    MODALITY 0x0008 0x0060 b"CS" "Modality";
    MANUFACTURER 0x0008 0x0070 b"LO" "Manufacturer";
    REFERRING_PHYSICIAN_NAME 0x0008 0x0090 b"PN" "ReferringPhysicianName";
    SERIES_DESCRIPTION 0x0008 0x103E b"LO" "SeriesDescription";
    OPERATORS_NAME 0x0008 0x1070 b"PN" "OperatorsName";
    MANUFACTURER_MODEL_NAME 0x0008 0x1090 b"LO" "ManufacturerModelName";
    REFERENCED_SOP_CLASS_UID 0x0008 0x1150 b"UI" "ReferencedSOPClassUID";
    REFERENCED_SOP_INSTANCE_UID 0x0008 0x1155 b"UI" "ReferencedSOPInstanceUID";
    PATIENT_NAME 0x0010 0x0010 b"PN" "PatientName";
    PATIENT_ID 0x0010 0x0020 b"LO" "PatientID";
    PATIENT_BIRTH_DATE 0x0010 0x0030 b"DA" "PatientBirthDate";
    PATIENT_SEX 0x0010 0x0040 b"CS" "PatientSex";
    PATIENT_SIZE 0x0010 0x1020 b"DS" "PatientSize";
    PATIENT_WEIGHT 0x0010 0x1030 b"DS" "PatientWeight";
    SCANNING_SEQUENCE 0x0018 0x0020 b"CS" "ScanningSequence";
    SEQUENCE_VARIANT 0x0018 0x0021 b"CS" "SequenceVariant";
    SCAN_OPTIONS 0x0018 0x0022 b"CS" "ScanOptions";
    MR_ACQUISITION_TYPE 0x0018 0x0023 b"CS" "MRAcquisitionType";
    BODY_PART_EXAMINED 0x0018 0x0015 b"CS" "BodyPartExamined";
    SLICE_THICKNESS 0x0018 0x0050 b"DS" "SliceThickness";
    RADIOPHARMACEUTICAL 0x0018 0x0031 b"LO" "Radiopharmaceutical";
    RADIOPHARMACEUTICAL_START_TIME 0x0018 0x1072 b"TM" "RadiopharmaceuticalStartTime";
    RADIONUCLIDE_TOTAL_DOSE 0x0018 0x1074 b"DS" "RadionuclideTotalDose";
    RADIONUCLIDE_HALF_LIFE 0x0018 0x1075 b"DS" "RadionuclideHalfLife";
    KVP 0x0018 0x0060 b"DS" "KVP";
    REPETITION_TIME 0x0018 0x0080 b"DS" "RepetitionTime";
    ECHO_TIME 0x0018 0x0081 b"DS" "EchoTime";
    ECHO_TRAIN_LENGTH 0x0018 0x0091 b"IS" "EchoTrainLength";
    RECONSTRUCTION_DIAMETER 0x0018 0x1100 b"DS" "ReconstructionDiameter";
    X_RAY_TUBE_CURRENT 0x0018 0x1151 b"IS" "XRayTubeCurrent";
    CONVOLUTION_KERNEL 0x0018 0x1210 b"SH" "ConvolutionKernel";
    PATIENT_POSITION 0x0018 0x5100 b"CS" "PatientPosition";
    STUDY_INSTANCE_UID 0x0020 0x000D b"UI" "StudyInstanceUID";
    SERIES_INSTANCE_UID 0x0020 0x000E b"UI" "SeriesInstanceUID";
    STUDY_ID 0x0020 0x0010 b"SH" "StudyID";
    SERIES_NUMBER 0x0020 0x0011 b"IS" "SeriesNumber";
    ACQUISITION_NUMBER 0x0020 0x0012 b"IS" "AcquisitionNumber";
    INSTANCE_NUMBER 0x0020 0x0013 b"IS" "InstanceNumber";
    IMAGE_POSITION_PATIENT 0x0020 0x0032 b"DS" "ImagePositionPatient";
    IMAGE_ORIENTATION_PATIENT 0x0020 0x0037 b"DS" "ImageOrientationPatient";
    FRAME_OF_REFERENCE_UID 0x0020 0x0052 b"UI" "FrameOfReferenceUID";
    POSITION_REFERENCE_INDICATOR 0x0020 0x1040 b"LO" "PositionReferenceIndicator";
    PLANE_POSITION_SEQUENCE 0x0020 0x9113 b"SQ" "PlanePositionSequence";
    PLANE_ORIENTATION_SEQUENCE 0x0020 0x9116 b"SQ" "PlaneOrientationSequence";
    SAMPLES_PER_PIXEL 0x0028 0x0002 b"US" "SamplesPerPixel";
    PHOTOMETRIC_INTERPRETATION 0x0028 0x0004 b"CS" "PhotometricInterpretation";
    NUMBER_OF_FRAMES 0x0028 0x0008 b"IS" "NumberOfFrames";
    FRAME_INCREMENT_POINTER 0x0028 0x0009 b"AT" "FrameIncrementPointer";
    ROWS 0x0028 0x0010 b"US" "Rows";
    COLUMNS 0x0028 0x0011 b"US" "Columns";
    PIXEL_SPACING 0x0028 0x0030 b"DS" "PixelSpacing";
    CORRECTED_IMAGE 0x0028 0x0051 b"CS" "CorrectedImage";
    BITS_ALLOCATED 0x0028 0x0100 b"US" "BitsAllocated";
    BITS_STORED 0x0028 0x0101 b"US" "BitsStored";
    HIGH_BIT 0x0028 0x0102 b"US" "HighBit";
    PIXEL_REPRESENTATION 0x0028 0x0103 b"US" "PixelRepresentation";
    RESCALE_INTERCEPT 0x0028 0x1052 b"DS" "RescaleIntercept";
    RESCALE_SLOPE 0x0028 0x1053 b"DS" "RescaleSlope";
    RESCALE_TYPE 0x0028 0x1054 b"LO" "RescaleType";
    PIXEL_MEASURES_SEQUENCE 0x0028 0x9110 b"SQ" "PixelMeasuresSequence";
    PIXEL_VALUE_TRANSFORMATION_SEQUENCE 0x0028 0x9145 b"SQ" "PixelValueTransformationSequence";
    RADIOPHARMACEUTICAL_INFORMATION_SEQUENCE 0x0054 0x0016 b"SQ" "RadiopharmaceuticalInformationSequence";
    UNITS 0x0054 0x1001 b"CS" "Units";
    DECAY_CORRECTION 0x0054 0x1102 b"CS" "DecayCorrection";
    REGISTRATION_SEQUENCE 0x0070 0x0308 b"SQ" "RegistrationSequence";
    MATRIX_REGISTRATION_SEQUENCE 0x0070 0x0309 b"SQ" "MatrixRegistrationSequence";
    MATRIX_SEQUENCE 0x0070 0x030A b"SQ" "MatrixSequence";
    FRAME_OF_REFERENCE_TRANSFORMATION_MATRIX_TYPE 0x0070 0x030C b"CS" "FrameOfReferenceTransformationMatrixType";
    DVH_TYPE 0x3004 0x0001 b"CS" "DVHType";
    DOSE_UNITS 0x3004 0x0002 b"CS" "DoseUnits";
    DOSE_TYPE 0x3004 0x0004 b"CS" "DoseType";
    DOSE_COMMENT 0x3004 0x0006 b"LO" "DoseComment";
    DOSE_SUMMATION_TYPE 0x3004 0x000A b"CS" "DoseSummationType";
    GRID_FRAME_OFFSET_VECTOR 0x3004 0x000C b"DS" "GridFrameOffsetVector";
    DOSE_GRID_SCALING 0x3004 0x000E b"DS" "DoseGridScaling";
    DVH_SEQUENCE 0x3004 0x0050 b"SQ" "DVHSequence";
    DVH_DOSE_SCALING 0x3004 0x0052 b"DS" "DVHDoseScaling";
    DVH_VOLUME_UNITS 0x3004 0x0054 b"CS" "DVHVolumeUnits";
    DVH_NUMBER_OF_BINS 0x3004 0x0056 b"IS" "DVHNumberOfBins";
    DVH_DATA 0x3004 0x0058 b"DS" "DVHData";
    DVH_REFERENCED_ROI_SEQUENCE 0x3004 0x0060 b"SQ" "DVHReferencedROISequence";
    DVH_ROI_CONTRIBUTION_TYPE 0x3004 0x0062 b"CS" "DVHROIContributionType";
    DVH_MEAN_DOSE 0x3004 0x0074 b"DS" "DVHMeanDose";
    STRUCTURE_SET_LABEL 0x3006 0x0002 b"SH" "StructureSetLabel";
    STRUCTURE_SET_DATE 0x3006 0x0008 b"DA" "StructureSetDate";
    STRUCTURE_SET_TIME 0x3006 0x0009 b"TM" "StructureSetTime";
    REFERENCED_FRAME_OF_REFERENCE_SEQUENCE 0x3006 0x0010 b"SQ" "ReferencedFrameOfReferenceSequence";
    RT_REFERENCED_STUDY_SEQUENCE 0x3006 0x0012 b"SQ" "RTReferencedStudySequence";
    RT_REFERENCED_SERIES_SEQUENCE 0x3006 0x0014 b"SQ" "RTReferencedSeriesSequence";
    CONTOUR_IMAGE_SEQUENCE 0x3006 0x0016 b"SQ" "ContourImageSequence";
    STRUCTURE_SET_ROI_SEQUENCE 0x3006 0x0020 b"SQ" "StructureSetROISequence";
    ROI_NUMBER 0x3006 0x0022 b"IS" "ROINumber";
    REFERENCED_FRAME_OF_REFERENCE_UID 0x3006 0x0024 b"UI" "ReferencedFrameOfReferenceUID";
    ROI_NAME 0x3006 0x0026 b"LO" "ROIName";
    ROI_DISPLAY_COLOR 0x3006 0x002A b"IS" "ROIDisplayColor";
    ROI_GENERATION_ALGORITHM 0x3006 0x0036 b"CS" "ROIGenerationAlgorithm";
    ROI_CONTOUR_SEQUENCE 0x3006 0x0039 b"SQ" "ROIContourSequence";
    CONTOUR_SEQUENCE 0x3006 0x0040 b"SQ" "ContourSequence";
    CONTOUR_GEOMETRIC_TYPE 0x3006 0x0042 b"CS" "ContourGeometricType";
    NUMBER_OF_CONTOUR_POINTS 0x3006 0x0046 b"IS" "NumberOfContourPoints";
    CONTOUR_DATA 0x3006 0x0050 b"DS" "ContourData";
    RT_ROI_OBSERVATIONS_SEQUENCE 0x3006 0x0080 b"SQ" "RTROIObservationsSequence";
    OBSERVATION_NUMBER 0x3006 0x0082 b"IS" "ObservationNumber";
    REFERENCED_ROI_NUMBER 0x3006 0x0084 b"IS" "ReferencedROINumber";
    RT_ROI_INTERPRETED_TYPE 0x3006 0x00A4 b"CS" "RTROIInterpretedType";
    ROI_INTERPRETER 0x3006 0x00A6 b"PN" "ROIInterpreter";
    FRAME_OF_REFERENCE_TRANSFORMATION_MATRIX 0x3006 0x00C6 b"DS" "FrameOfReferenceTransformationMatrix";
    TREATMENT_SESSION_BEAM_SEQUENCE 0x3008 0x0020 b"SQ" "TreatmentSessionBeamSequence";
    CURRENT_FRACTION_NUMBER 0x3008 0x0022 b"IS" "CurrentFractionNumber";
    TREATMENT_TERMINATION_STATUS 0x3008 0x002A b"CS" "TreatmentTerminationStatus";
    SPECIFIED_PRIMARY_METERSET 0x3008 0x0032 b"DS" "SpecifiedPrimaryMeterset";
    DELIVERED_PRIMARY_METERSET 0x3008 0x0036 b"DS" "DeliveredPrimaryMeterset";
    TREATMENT_DATE 0x3008 0x0250 b"DA" "TreatmentDate";
    TREATMENT_TIME 0x3008 0x0251 b"TM" "TreatmentTime";
    RT_PLAN_LABEL 0x300A 0x0002 b"SH" "RTPlanLabel";
    RT_PLAN_NAME 0x300A 0x0003 b"LO" "RTPlanName";
    RT_PLAN_DATE 0x300A 0x0006 b"DA" "RTPlanDate";
    RT_PLAN_TIME 0x300A 0x0007 b"TM" "RTPlanTime";
    PLAN_INTENT 0x300A 0x000A b"CS" "PlanIntent";
    RT_PLAN_GEOMETRY 0x300A 0x000C b"CS" "RTPlanGeometry";
    DOSE_REFERENCE_SEQUENCE 0x300A 0x0010 b"SQ" "DoseReferenceSequence";
    DOSE_REFERENCE_NUMBER 0x300A 0x0012 b"IS" "DoseReferenceNumber";
    DOSE_REFERENCE_STRUCTURE_TYPE 0x300A 0x0014 b"CS" "DoseReferenceStructureType";
    DOSE_REFERENCE_DESCRIPTION 0x300A 0x0016 b"LO" "DoseReferenceDescription";
    DOSE_REFERENCE_TYPE 0x300A 0x0020 b"CS" "DoseReferenceType";
    TARGET_PRESCRIPTION_DOSE 0x300A 0x0026 b"DS" "TargetPrescriptionDose";
    FRACTION_GROUP_SEQUENCE 0x300A 0x0070 b"SQ" "FractionGroupSequence";
    FRACTION_GROUP_NUMBER 0x300A 0x0071 b"IS" "FractionGroupNumber";
    NUMBER_OF_FRACTIONS_PLANNED 0x300A 0x0078 b"IS" "NumberOfFractionsPlanned";
    NUMBER_OF_BEAMS 0x300A 0x0080 b"IS" "NumberOfBeams";
    BEAM_DOSE 0x300A 0x0084 b"DS" "BeamDose";
    BEAM_METERSET 0x300A 0x0086 b"DS" "BeamMeterset";
    NUMBER_OF_BRACHY_APPLICATION_SETUPS 0x300A 0x00A0 b"IS" "NumberOfBrachyApplicationSetups";
    BEAM_SEQUENCE 0x300A 0x00B0 b"SQ" "BeamSequence";
    TREATMENT_MACHINE_NAME 0x300A 0x00B2 b"SH" "TreatmentMachineName";
    PRIMARY_DOSIMETER_UNIT 0x300A 0x00B3 b"CS" "PrimaryDosimeterUnit";
    SOURCE_AXIS_DISTANCE 0x300A 0x00B4 b"DS" "SourceAxisDistance";
    BEAM_LIMITING_DEVICE_SEQUENCE 0x300A 0x00B6 b"SQ" "BeamLimitingDeviceSequence";
    RT_BEAM_LIMITING_DEVICE_TYPE 0x300A 0x00B8 b"CS" "RTBeamLimitingDeviceType";
    NUMBER_OF_LEAF_JAW_PAIRS 0x300A 0x00BC b"IS" "NumberOfLeafJawPairs";
    BEAM_NUMBER 0x300A 0x00C0 b"IS" "BeamNumber";
    BEAM_NAME 0x300A 0x00C2 b"LO" "BeamName";
    BEAM_TYPE 0x300A 0x00C4 b"CS" "BeamType";
    RADIATION_TYPE 0x300A 0x00C6 b"CS" "RadiationType";
    TREATMENT_DELIVERY_TYPE 0x300A 0x00CE b"CS" "TreatmentDeliveryType";
    NUMBER_OF_WEDGES 0x300A 0x00D0 b"IS" "NumberOfWedges";
    NUMBER_OF_COMPENSATORS 0x300A 0x00E0 b"IS" "NumberOfCompensators";
    NUMBER_OF_BOLI 0x300A 0x00ED b"IS" "NumberOfBoli";
    NUMBER_OF_BLOCKS 0x300A 0x00F0 b"IS" "NumberOfBlocks";
    FINAL_CUMULATIVE_METERSET_WEIGHT 0x300A 0x010E b"DS" "FinalCumulativeMetersetWeight";
    NUMBER_OF_CONTROL_POINTS 0x300A 0x0110 b"IS" "NumberOfControlPoints";
    CONTROL_POINT_SEQUENCE 0x300A 0x0111 b"SQ" "ControlPointSequence";
    CONTROL_POINT_INDEX 0x300A 0x0112 b"IS" "ControlPointIndex";
    NOMINAL_BEAM_ENERGY 0x300A 0x0114 b"DS" "NominalBeamEnergy";
    BEAM_LIMITING_DEVICE_POSITION_SEQUENCE 0x300A 0x011A b"SQ" "BeamLimitingDevicePositionSequence";
    LEAF_JAW_POSITIONS 0x300A 0x011C b"DS" "LeafJawPositions";
    GANTRY_ANGLE 0x300A 0x011E b"DS" "GantryAngle";
    GANTRY_ROTATION_DIRECTION 0x300A 0x011F b"CS" "GantryRotationDirection";
    BEAM_LIMITING_DEVICE_ANGLE 0x300A 0x0120 b"DS" "BeamLimitingDeviceAngle";
    BEAM_LIMITING_DEVICE_ROTATION_DIRECTION 0x300A 0x0121 b"CS" "BeamLimitingDeviceRotationDirection";
    PATIENT_SUPPORT_ANGLE 0x300A 0x0122 b"DS" "PatientSupportAngle";
    PATIENT_SUPPORT_ROTATION_DIRECTION 0x300A 0x0123 b"CS" "PatientSupportRotationDirection";
    TABLE_TOP_ECCENTRIC_ANGLE 0x300A 0x0125 b"DS" "TableTopEccentricAngle";
    TABLE_TOP_ECCENTRIC_ROTATION_DIRECTION 0x300A 0x0126 b"CS" "TableTopEccentricRotationDirection";
    TABLE_TOP_VERTICAL_POSITION 0x300A 0x0128 b"DS" "TableTopVerticalPosition";
    TABLE_TOP_LONGITUDINAL_POSITION 0x300A 0x0129 b"DS" "TableTopLongitudinalPosition";
    TABLE_TOP_LATERAL_POSITION 0x300A 0x012A b"DS" "TableTopLateralPosition";
    ISOCENTER_POSITION 0x300A 0x012C b"DS" "IsocenterPosition";
    CUMULATIVE_METERSET_WEIGHT 0x300A 0x0134 b"DS" "CumulativeMetersetWeight";
    PATIENT_SETUP_SEQUENCE 0x300A 0x0180 b"SQ" "PatientSetupSequence";
    PATIENT_SETUP_NUMBER 0x300A 0x0182 b"IS" "PatientSetupNumber";
    TREATMENT_MACHINE_SEQUENCE 0x300A 0x0206 b"SQ" "TreatmentMachineSequence";
    REFERENCED_RT_PLAN_SEQUENCE 0x300C 0x0002 b"SQ" "ReferencedRTPlanSequence";
    REFERENCED_BEAM_SEQUENCE 0x300C 0x0004 b"SQ" "ReferencedBeamSequence";
    REFERENCED_BEAM_NUMBER 0x300C 0x0006 b"IS" "ReferencedBeamNumber";
    REFERENCED_STRUCTURE_SET_SEQUENCE 0x300C 0x0060 b"SQ" "ReferencedStructureSetSequence";
    APPROVAL_STATUS 0x300E 0x0002 b"CS" "ApprovalStatus";
    SHARED_FUNCTIONAL_GROUPS_SEQUENCE 0x5200 0x9229 b"SQ" "SharedFunctionalGroupsSequence";
    PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE 0x5200 0x9230 b"SQ" "PerFrameFunctionalGroupsSequence";
    PIXEL_DATA 0x7FE0 0x0010 b"OW" "PixelData";
}
