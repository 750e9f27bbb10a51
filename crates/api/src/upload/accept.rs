//! Taking the files of a form in, one after the other, and telling what became of each.

use domain::{Document as Stored, ErrorKind};
use services::{
    Actor, FieldError,
    ingestion::{Ingestion, Upload},
};

use super::form::{UploadForm, UploadedPart};
use crate::{
    error::{ApiError, rule},
    wire::document::{Document, FileFault, RefusedFile, Uploaded, UploadedFile},
};

type Outcome = (String, Result<Stored, ApiError>);

/// Takes every file in that can be. Where none can, the answer is the error.
pub(crate) async fn accept(ingestion: &Ingestion, actor: &Actor, mut form: UploadForm) -> Result<Uploaded, ApiError> {
    let mut outcomes = Vec::with_capacity(form.files.len());
    for part in std::mem::take(&mut form.files) {
        let filename = part.filename.clone();
        outcomes.push((filename, accept_one(ingestion, actor, &form, part).await));
    }
    report(outcomes)
}

async fn accept_one(
    ingestion: &Ingestion,
    actor: &Actor,
    form: &UploadForm,
    part: UploadedPart,
) -> Result<Stored, ApiError> {
    let upload = Upload {
        filename: part.filename,
        title: form.title.clone(),
        category: form.category.clone(),
        tags: form.tags.clone(),
        content: part.content?,
    };
    Ok(ingestion.accept(actor, upload).await?)
}

fn report(mut outcomes: Vec<Outcome>) -> Result<Uploaded, ApiError> {
    if outcomes.iter().any(|(_, outcome)| outcome.is_ok()) {
        return Ok(Uploaded { items: outcomes.into_iter().map(item).collect() });
    }
    match (outcomes.len(), outcomes.pop()) {
        (1, Some((_, Err(error)))) => Err(error),
        (_, last) => Err(all_refused(outcomes.into_iter().chain(last))),
    }
}

fn item((filename, outcome): Outcome) -> UploadedFile {
    match outcome {
        Ok(document) => UploadedFile::Accepted(Box::new(Document::from(document))),
        Err(error) => {
            let error = FileFault { code: error.kind.code(), detail: error.detail };
            UploadedFile::Refused(RefusedFile { filename, error })
        }
    }
}

/// One refusal for many: a fault of ours where there was one, else a list of what is wrong with each file.
fn all_refused(outcomes: impl Iterator<Item = Outcome>) -> ApiError {
    let mut fields = Vec::new();
    for (filename, outcome) in outcomes {
        let Err(error) = outcome else { continue };
        if rule(error.kind).status.is_server_error() {
            return error;
        }
        fields.push(FieldError::new(filename, format!("{}: {}", error.kind.code(), error.detail)));
    }
    ApiError::with_fields(ErrorKind::ValidationFailed, "none of the files could be taken: see `errors`", fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(filename: &str, kind: ErrorKind) -> Outcome {
        (filename.to_owned(), Err(ApiError::new(kind, "why")))
    }

    fn refusal(outcomes: Vec<Outcome>) -> ApiError {
        report(outcomes).err().unwrap()
    }

    #[test]
    fn single_bad_file_answers_its_own_error() {
        assert_eq!(refusal(vec![refused("a", ErrorKind::FileTooLarge)]).kind, ErrorKind::FileTooLarge);
        assert_eq!(refusal(vec![refused("a", ErrorKind::EmptyFile)]).kind, ErrorKind::EmptyFile);
    }

    #[test]
    fn several_bad_files_answer_422_that_names_each() {
        let error = refusal(vec![refused("a", ErrorKind::EmptyFile), refused("b", ErrorKind::UnsupportedType)]);
        assert_eq!(error.kind, ErrorKind::ValidationFailed);
        let named: Vec<&str> = error.fields.iter().map(|fault| fault.field.as_str()).collect();
        assert_eq!(named, ["a", "b"]);
        assert_eq!(error.fields[1].message, "unsupported_type: why");
    }

    #[test]
    fn fault_of_the_server_is_not_blamed_on_the_files() {
        let error = refusal(vec![refused("a", ErrorKind::EmptyFile), refused("b", ErrorKind::StorageFull)]);
        assert_eq!(error.kind, ErrorKind::StorageFull);
    }
}
