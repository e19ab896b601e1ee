//! Ends a run as diverged when its smoothed loss has grown to `factor` times the lowest that it has been.
//!
//! The file exports one function; the host finds the metadata in an ELF section without running anything. No panic leaves it: `guard` stands between.

mod abi;

use std::ffi::CStr;
use std::os::raw::{c_char, c_void};
use std::panic::{catch_unwind, AssertUnwindSafe};

use abi::{Descriptor, Entry, Error, Host, Instance, Metric, Progress, State, Status, StoppingRule, Text, Verdict, Writer};

/// A failure: the status decides what the host does, the words are for people.
type Failure = (Status, String);

/// Runs the body of a C function; a failure and a panic become a status and its words.
unsafe fn guard(error: *mut Error, body: impl FnOnce() -> Result<(), Failure>) -> Status {
    let (status, words) = match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(())) => return abi::OK,
        Ok(Err(failure)) => failure,
        Err(_) => (abi::INTERNAL, "a panic in the plugin; correct it".to_string()),
    };
    if let Some(error) = error.as_mut() {
        error.message_length = abi::copy_text(&words, &mut error.message);
    }
    status
}

/// The rule without a word of C.
struct Rule {
    factor: f64,
    best: f64, // infinite before the first loss
}

impl Rule {
    /// Takes note of a loss; the reason to stop, when it is one.
    fn judge(&mut self, loss: f64, step: u64) -> Option<String> {
        if loss < self.best {
            self.best = loss;
        }
        // Not so for NaN, which says that nothing is measured yet.
        (loss > self.factor * self.best.abs().max(f64::MIN_POSITIVE))
            .then(|| format!("the smoothed loss {:.4} is more than {} times its best, {:.4}, at step {}", loss, self.factor, self.best, step))
    }

    fn save(&self) -> [u8; 16] {
        let mut bytes = *b"runaway1\0\0\0\0\0\0\0\0";
        bytes[8..].copy_from_slice(&self.best.to_le_bytes());
        bytes
    }

    /// All or nothing.
    fn load(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let best = match bytes {
            [b'r', b'u', b'n', b'a', b'w', b'a', b'y', b'1', rest @ ..] if rest.len() == 8 => f64::from_le_bytes(rest.try_into().unwrap()),
            _ => f64::NAN,
        };
        if best.is_nan() {
            return Err((abi::DATA_LOSS, format!("state: {} bytes that this plugin did not write", bytes.len())));
        }
        self.best = best;
        Ok(())
    }
}

/// The value of a key that holds a number. The host has checked the config, so a key that is there is well-formed; one that is absent has its default.
fn number_of(config: &str, key: &str, fallback: f64) -> Result<f64, Failure> {
    let quoted = format!("\"{}\"", key);
    let value = match config.find(&quoted) {
        None => return Ok(fallback),
        Some(at) => config[at + quoted.len()..].trim_start().trim_start_matches(':').trim_start(),
    };
    let end = value.find(|c: char| !(c.is_ascii_alphanumeric() || "+-.".contains(c))).unwrap_or(value.len());
    value[..end].parse().map_err(|_| (abi::INVALID_ARGUMENT, format!("{}: got {}, wanted a number", key, &value[..end])))
}

/// What the host holds: the C struct comes first, so that one pointer means both.
#[repr(C)]
struct Object {
    instance: Instance,
    rule: Rule,
}

unsafe fn rule_of<'a>(instance: *mut Instance) -> &'a mut Rule {
    &mut (*((*instance).r#impl as *mut Object)).rule
}

unsafe fn bytes_of<'a>(data: *const u8, length: u64) -> &'a [u8] {
    if length == 0 { &[] } else { std::slice::from_raw_parts(data, length as usize) }
}

unsafe extern "C" fn check(instance: *mut Instance, progress: *const Progress, _: *const Metric, _: u64, verdict: *mut Verdict, error: *mut Error) -> Status {
    guard(error, || {
        let (progress, verdict) = (&*progress, &mut *verdict);
        if let Some(reason) = rule_of(instance).judge(progress.loss_ema, progress.step) {
            verdict.stop = abi::STOP_DIVERGED;
            verdict.reason_length = abi::copy_text(&reason, &mut verdict.reason);
        }
        Ok(())
    })
}

unsafe extern "C" fn save(instance: *mut Instance, writer: *const Writer, error: *mut Error) -> Status {
    let bytes = rule_of(instance).save();
    match (*writer).write {
        Some(write) => write((*writer).r#impl, bytes.as_ptr() as *const c_void, bytes.len() as u64, error), // its failure is passed on unchanged
        None => guard(error, || Err((abi::INTERNAL, "the host's writer has no function".to_string()))),
    }
}

unsafe extern "C" fn load(instance: *mut Instance, _: Text, bytes: *const c_void, size: u64, error: *mut Error) -> Status {
    guard(error, || rule_of(instance).load(bytes_of(bytes as *const u8, size)))
}

static RULE_TABLE: StoppingRule = StoppingRule { struct_size: std::mem::size_of::<StoppingRule>() as u32, reserved: 0, check: Some(check) };
static STATE_TABLE: State = State { struct_size: std::mem::size_of::<State>() as u32, reserved: 0, save: Some(save), load: Some(load) };

unsafe extern "C" fn get_interface(_: *mut Instance, id: *const c_char) -> *const c_void {
    match CStr::from_ptr(id).to_bytes() {
        abi::STOPPING_RULE => &RULE_TABLE as *const StoppingRule as *const c_void,
        abi::STATE => &STATE_TABLE as *const State as *const c_void,
        _ => std::ptr::null(),
    }
}

unsafe extern "C" fn destroy(instance: *mut Instance) {
    let object = (*instance).r#impl as *mut Object;
    let _ = catch_unwind(AssertUnwindSafe(|| drop(Box::from_raw(object))));
}

unsafe extern "C" fn create(_: *const Host, _: *const Descriptor, config: Text, out: *mut *mut Instance, error: *mut Error) -> Status {
    guard(error, || {
        let config = std::str::from_utf8(bytes_of(config.data, config.length)).map_err(|_| (abi::INVALID_ARGUMENT, "the config is not UTF-8".to_string()))?;
        let rule = Rule { factor: number_of(config, "factor", 2.0)?, best: f64::INFINITY };
        let instance = Instance {
            struct_size: std::mem::size_of::<Instance>() as u32,
            reserved: 0,
            r#impl: std::ptr::null_mut(),
            get_interface: Some(get_interface),
            start: None,
            stop: None,
            destroy: Some(destroy),
        };
        let object = Box::into_raw(Box::new(Object { instance, rule }));
        (*object).instance.r#impl = object as *mut c_void;
        *out = object as *mut Instance;
        Ok(())
    })
}

const METADATA: &str = concat!(
    r#"{"abi":1,"min_host_minor":0,"kind":"stopping_rule","name":"runaway","version":"1.0.0","#,
    r#""summary":"ends a run as diverged when its smoothed loss has grown to a multiple of its best","#,
    r#""schema":{"type":"object","additionalProperties":false,"properties":{"factor":{"type":"number","exclusiveMinimum":1,"default":2,"#,
    r#""x-trajectory":false,"description":"multiple of the lowest smoothed loss at which the run ends"}}},"#,
    r#""torch_build":null,"needs":[],"schemes":[],"decorates":0,"stateful":true}"#
);

const fn terminated<const SIZE: usize>(text: &str) -> [u8; SIZE] {
    let mut out = [0; SIZE];
    let mut i = 0;
    while i < text.len() {
        out[i] = text.as_bytes()[i];
        i += 1;
    }
    out
}

/// The very bytes that the descriptor points to.
#[used]
#[link_section = ".trainhost.plugin"]
static RECORD: [u8; METADATA.len() + 1] = terminated(METADATA);

const fn text(words: &str) -> Text {
    Text { data: words.as_ptr(), length: words.len() as u64 }
}

static DESCRIPTOR: Descriptor = Descriptor {
    struct_size: std::mem::size_of::<Descriptor>() as u32,
    reserved: 0,
    kind: text("stopping_rule"),
    name: text("runaway"),
    metadata_json: Text { data: RECORD.as_ptr(), length: METADATA.len() as u64 },
};

struct Descriptors([*const Descriptor; 1]);
unsafe impl Sync for Descriptors {}
static DESCRIPTORS: Descriptors = Descriptors([&DESCRIPTOR]);

static ENTRY: Entry = Entry {
    struct_size: std::mem::size_of::<Entry>() as u32,
    abi_major: abi::ABI_MAJOR,
    num_descriptors: 1,
    reserved: 0,
    descriptors: DESCRIPTORS.0.as_ptr(),
    create: Some(create),
};

/// The only symbol that the file exports.
#[no_mangle]
pub extern "C" fn trainhost_plugin_entry_1() -> *const Entry {
    &ENTRY
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stops_at_a_multiple_of_the_best_and_not_before() {
        let mut rule = Rule { factor: 1.5, best: f64::INFINITY };
        assert_eq!(rule.judge(f64::NAN, 1), None);
        assert_eq!(rule.judge(2.0, 2), None);
        assert_eq!(rule.judge(1.0, 3), None);
        assert_eq!(rule.judge(1.5, 4), None);
        assert_eq!(rule.judge(1.6, 5).unwrap(), "the smoothed loss 1.6000 is more than 1.5 times its best, 1.0000, at step 5");
    }

    #[test]
    fn state_comes_back_and_odd_state_changes_nothing() {
        let mut rule = Rule { factor: 1.5, best: 0.25 };
        let saved = rule.save();
        for odd in [&saved[..15], &[], &[7; 16]] {
            assert_eq!(rule.load(odd).unwrap_err().0, abi::DATA_LOSS);
        }
        assert_eq!(rule.best, 0.25);
        let mut other = Rule { factor: 1.5, best: f64::INFINITY };
        other.load(&saved).unwrap();
        assert_eq!(other.best, 0.25);
    }

    #[test]
    fn numbers_are_read_out_of_the_config() {
        assert_eq!(number_of(r#"{"factor":1.5}"#, "factor", 2.0), Ok(1.5));
        assert_eq!(number_of(r#"{ "other": 3, "factor" : 1e2 }"#, "factor", 2.0), Ok(100.0));
        assert_eq!(number_of("{}", "factor", 2.0), Ok(2.0));
        assert_eq!(number_of(r#"{"factor":true}"#, "factor", 2.0).unwrap_err().0, abi::INVALID_ARGUMENT);
    }

    #[test]
    fn a_panic_becomes_a_status_and_words() {
        let mut error = Error { struct_size: std::mem::size_of::<Error>() as u32, message_length: 0, message: [0; 504] };
        std::panic::set_hook(Box::new(|_| {}));
        let status = unsafe { guard(&mut error, || panic!("on purpose")) };
        assert_eq!(status, abi::INTERNAL);
        assert_eq!(&error.message[..error.message_length as usize], b"a panic in the plugin; correct it");
    }
}
