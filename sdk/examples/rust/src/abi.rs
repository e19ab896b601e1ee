//! The C headers of trainhost by hand, as far as a stopping rule with state needs them: include/trainhost/stopping_rule.h and what it includes.

use std::os::raw::{c_char, c_void};

pub type Status = i32;
pub const OK: Status = 0;
pub const INVALID_ARGUMENT: Status = 3;
pub const INTERNAL: Status = 13;
pub const DATA_LOSS: Status = 15;
pub const ABI_MAJOR: u32 = 1;
pub const STOP_DIVERGED: i32 = 3;

pub const STOPPING_RULE: &[u8] = b"trainhost.stopping_rule/1";
pub const STATE: &[u8] = b"trainhost.state/1";

/// Offset and name of each field; the tests hold it against the recorded layout.
#[cfg(test)]
pub trait Layout: Sized {
    const C_NAME: &'static str;
    fn fields() -> Vec<(usize, &'static str)>;
}

/// A struct with the layout of C, under the name that it has in the headers.
macro_rules! c_struct {
    ($c_name:literal, $name:ident { $($field:ident: $type:ty),+ $(,)? }) => {
        #[repr(C)]
        pub struct $name { $(pub $field: $type),+ }

        #[cfg(test)]
        impl Layout for $name {
            const C_NAME: &'static str = $c_name;
            fn fields() -> Vec<(usize, &'static str)> {
                let place = std::mem::MaybeUninit::<$name>::uninit();
                let base = place.as_ptr();
                // Addresses only: nothing of the uninitialised value is read.
                vec![$((unsafe { std::ptr::addr_of!((*base).$field) as usize } - base as usize, stringify!($field))),+]
            }
        }
    };
}

// Text is not terminated, and borrowed unless the header says otherwise.
c_struct!("trainhost_string", Text { data: *const u8, length: u64 });
c_struct!("trainhost_error", Error { struct_size: u32, message_length: u32, message: [u8; 504] });
c_struct!("trainhost_host", Host {
    struct_size: u32,
    abi_major: u32,
    abi_minor: u32,
    reserved: u32,
    r#impl: *mut c_void,
    get_service: Option<unsafe extern "C" fn(*const Host, *const c_char) -> *const c_void>,
});
c_struct!("trainhost_instance", Instance {
    struct_size: u32,
    reserved: u32,
    r#impl: *mut c_void,
    get_interface: Option<unsafe extern "C" fn(*mut Instance, *const c_char) -> *const c_void>,
    start: Option<unsafe extern "C" fn(*mut Instance, *mut Error) -> Status>,
    stop: Option<unsafe extern "C" fn(*mut Instance)>,
    destroy: Option<unsafe extern "C" fn(*mut Instance)>,
});
c_struct!("trainhost_descriptor", Descriptor { struct_size: u32, reserved: u32, kind: Text, name: Text, metadata_json: Text });
c_struct!("trainhost_entry", Entry {
    struct_size: u32,
    abi_major: u32,
    num_descriptors: u32,
    reserved: u32,
    descriptors: *const *const Descriptor,
    create: Option<unsafe extern "C" fn(*const Host, *const Descriptor, Text, *mut *mut Instance, *mut Error) -> Status>,
});
c_struct!("trainhost_progress", Progress {
    struct_size: u32,
    flags: u32,
    windows: u64,
    step: u64,
    skipped_windows: u64,
    micro_batches: u64,
    samples: u64,
    targets: u64,
    epoch: u64,
    epoch_samples: u64,
    epoch_position: u64,
    observed_window: u64,
    fraction: f64,
    seconds: f64,
    cost: f64,
    energy_kwh: f64,
    learning_rate: f64,
    loss_scale: f64,
    loss: f64,
    loss_ema: f64,
    gradient_norm: f64,
});
c_struct!("trainhost_metric", Metric { name: Text, set: Text, value: f64, standard_error: f64, step: u64, origin: u32, flags: u32 });
c_struct!("trainhost_verdict", Verdict { struct_size: u32, stop: i32, restore_best: u32, reason_length: u32, reason: [u8; 496] });
c_struct!("trainhost_stopping_rule", StoppingRule {
    struct_size: u32,
    reserved: u32,
    check: Option<unsafe extern "C" fn(*mut Instance, *const Progress, *const Metric, u64, *mut Verdict, *mut Error) -> Status>,
});
c_struct!("trainhost_writer", Writer {
    r#impl: *mut c_void,
    write: Option<unsafe extern "C" fn(*mut c_void, *const c_void, u64, *mut Error) -> Status>,
});
c_struct!("trainhost_state", State {
    struct_size: u32,
    reserved: u32,
    save: Option<unsafe extern "C" fn(*mut Instance, *const Writer, *mut Error) -> Status>,
    load: Option<unsafe extern "C" fn(*mut Instance, Text, *const c_void, u64, *mut Error) -> Status>,
});

// Descriptor, entry and tables are constant: they are read from any thread and never written.
unsafe impl Sync for Descriptor {}
unsafe impl Sync for Entry {}

/// Copies as much of the text as fits and returns its length; never cuts a character in two.
pub fn copy_text(text: &str, out: &mut [u8]) -> u32 {
    let mut length = text.len().min(out.len());
    while !text.is_char_boundary(length) {
        length -= 1;
    }
    out[..length].copy_from_slice(&text.as_bytes()[..length]);
    length as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn golden() -> String {
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../abi/golden.txt")).unwrap()
    }

    /// Size, and offset and name of each field, as the recorded layout has them.
    fn recorded(golden: &str, c_name: &str) -> (usize, Vec<(usize, String)>) {
        let mut lines = golden.lines().skip_while(|line| line.split(' ').nth(1) != Some(&format!("{}:", c_name)));
        let size = lines.next().expect(c_name).split(' ').nth(2).unwrap().parse().unwrap();
        let fields = lines
            .take_while(|line| line.starts_with("  "))
            .map(|line| line.trim().split_once(':').unwrap().0.split_once(' ').unwrap())
            .map(|(offset, name)| (offset.parse().unwrap(), name.to_string()))
            .collect();
        (size, fields)
    }

    fn assert_layout<T: Layout>() {
        let here = T::fields().into_iter().map(|(offset, name)| (offset, name.trim_start_matches("r#").to_string())).collect::<Vec<_>>();
        assert_eq!((std::mem::size_of::<T>(), here), recorded(&golden(), T::C_NAME), "{}", T::C_NAME);
    }

    #[test]
    fn structs_have_the_recorded_layout() {
        assert_layout::<Text>();
        assert_layout::<Error>();
        assert_layout::<Host>();
        assert_layout::<Instance>();
        assert_layout::<Descriptor>();
        assert_layout::<Entry>();
        assert_layout::<Progress>();
        assert_layout::<Metric>();
        assert_layout::<Verdict>();
        assert_layout::<StoppingRule>();
        assert_layout::<Writer>();
        assert_layout::<State>();
    }

    #[test]
    fn values_and_ids_are_the_recorded_ones() {
        let golden = golden();
        let values = [("OK", OK), ("INVALID_ARGUMENT", INVALID_ARGUMENT), ("INTERNAL", INTERNAL), ("DATA_LOSS", DATA_LOSS), ("STOP_DIVERGED", STOP_DIVERGED)];
        for (name, value) in values {
            assert!(golden.lines().any(|line| line == format!("value TRAINHOST_{} = {}", name, value)), "{}", name);
        }
        assert!(golden.contains(&format!("value TRAINHOST_ABI_MAJOR = {}u\n", ABI_MAJOR)));
        for id in [STOPPING_RULE, STATE] {
            assert!(golden.contains(&format!("id {}\n", std::str::from_utf8(id).unwrap())));
        }
    }

    #[test]
    fn text_is_cut_between_characters() {
        let mut out = [0u8; 4];
        assert_eq!(copy_text("abc", &mut out), 3);
        assert_eq!(copy_text("abc\u{e9}", &mut out), 3); // the last one has two bytes
        assert_eq!(&out[..3], b"abc");
    }
}
