//! Which failures are the document's, and what its owner is told.

use documents::DocumentError;
use domain::{DocumentFault, DocumentFaultCode};

/// The fault to show, where the file itself is to blame; absent where trying again may help.
pub(super) fn fault_of(error: &DocumentError) -> Option<DocumentFault> {
    let code = match error {
        DocumentError::PasswordProtected => DocumentFaultCode::PasswordProtected,
        DocumentError::NoText { .. } => DocumentFaultCode::NoText,
        DocumentError::LimitsExceeded { .. } => DocumentFaultCode::LimitsExceeded,
        DocumentError::Unreadable { .. } | DocumentError::EmptyFile { .. } | DocumentError::UnsupportedType { .. } => {
            DocumentFaultCode::Unreadable
        }
        DocumentError::BadChunkSettings { .. } | DocumentError::Busy { .. } | DocumentError::Worker { .. } => {
            return None;
        }
    };
    Some(DocumentFault { code, detail: error.to_string() })
}

/// The stored file is gone or damaged.
pub(super) fn file_lost() -> DocumentFault {
    DocumentFault {
        code: DocumentFaultCode::Unreadable,
        detail: "the server lost the file or holds a damaged copy of it: upload it again".to_owned(),
    }
}

/// All tries failed for reasons that are not the document's.
pub(super) fn gave_up() -> DocumentFault {
    DocumentFault {
        code: DocumentFaultCode::Unreadable,
        detail: "the server failed to read the file several times: upload it again later".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_of_the_file_are_told_and_faults_of_the_server_are_retried() {
        let fault = fault_of(&DocumentError::PasswordProtected).unwrap();
        assert_eq!(fault.code, DocumentFaultCode::PasswordProtected);
        assert!(fault.detail.contains("without one"));
        assert_eq!(fault_of(&DocumentError::Busy { queued: 3 }), None);
    }
}
