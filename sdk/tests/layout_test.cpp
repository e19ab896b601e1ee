// The layout of every ABI struct is what sdk/abi/golden.txt recorded. A difference that is meant: run this program with TRAINHOST_WRITE_GOLDEN=1, and say
// so in CHANGELOG.md. Allowed without a new major: fields at the end of structs marked "grows".
#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <trainhost/accumulation_schedule.h>
#include <trainhost/checkpoint_backend.h>
#include <trainhost/data_source.h>
#include <trainhost/format.hpp>
#include <trainhost/lr_schedule.h>
#include <trainhost/observer.h>
#include <trainhost/precision_policy.h>
#include <trainhost/state.h>
#include <trainhost/stopping_rule.h>

namespace {

std::string g_layout;

#define STRUCT(type) g_layout += trainhost::format(#type " {}\n", sizeof(type)); { using Struct = type;
#define FIELD(name) g_layout += trainhost::format("  " #name " {} {}\n", offsetof(Struct, name), sizeof(Struct::name));
#define END }
#define VALUE(name) g_layout += trainhost::format(#name " {}\n", name);

void describe_basics() {
  STRUCT(trainhost_error) FIELD(struct_size) FIELD(message_length) FIELD(message) END
  STRUCT(trainhost_string) FIELD(data) FIELD(length) END
  STRUCT(trainhost_dtype) FIELD(code) FIELD(bits) FIELD(lanes) END
  STRUCT(trainhost_tensor) FIELD(data) FIELD(device_type) FIELD(device_id) FIELD(ndim) FIELD(dtype) FIELD(shape) FIELD(strides) FIELD(byte_offset) END
  STRUCT(trainhost_progress) FIELD(struct_size) FIELD(flags) FIELD(windows) FIELD(step) FIELD(skipped_windows) FIELD(micro_batches) FIELD(samples)
  FIELD(targets) FIELD(epoch) FIELD(epoch_samples) FIELD(epoch_position) FIELD(observed_window) FIELD(fraction) FIELD(seconds) FIELD(cost)
  FIELD(energy_kwh) FIELD(learning_rate) FIELD(loss_scale) FIELD(loss) FIELD(loss_ema) FIELD(gradient_norm) END
  STRUCT(trainhost_metric) FIELD(name) FIELD(set) FIELD(value) FIELD(standard_error) FIELD(step) FIELD(origin) FIELD(flags) END
}

void describe_host() {
  STRUCT(trainhost_host) FIELD(struct_size) FIELD(abi_major) FIELD(abi_minor) FIELD(reserved) FIELD(impl) FIELD(get_service) END
  STRUCT(trainhost_log) FIELD(struct_size) FIELD(write) END
  STRUCT(trainhost_call) FIELD(struct_size) FIELD(is_cancelled) FIELD(deadline_ns) END
  STRUCT(trainhost_run_facts) FIELD(struct_size) FIELD(rank) FIELD(world_size) FIELD(is_resumed) FIELD(run_id) FIELD(run_folder) FIELD(cache_folder)
  FIELD(currency) FIELD(config_json) END
  STRUCT(trainhost_run) FIELD(struct_size) FIELD(facts) END
  STRUCT(trainhost_probe) FIELD(struct_size) FIELD(fits) FIELD(peak_bytes) FIELD(budget_bytes) FIELD(seconds) END
  STRUCT(trainhost_memory) FIELD(struct_size) FIELD(probe) FIELD(fingerprint) END
  STRUCT(trainhost_upstream) FIELD(struct_size) FIELD(num_upstreams) FIELD(at) END
}

void describe_plugin() {
  STRUCT(trainhost_instance) FIELD(struct_size) FIELD(reserved) FIELD(impl) FIELD(get_interface) FIELD(start) FIELD(stop) FIELD(destroy) END
  STRUCT(trainhost_descriptor) FIELD(struct_size) FIELD(kind) FIELD(name) FIELD(metadata_json) END
  STRUCT(trainhost_entry) FIELD(struct_size) FIELD(abi_major) FIELD(num_descriptors) FIELD(descriptors) FIELD(create) END
  STRUCT(trainhost_writer) FIELD(impl) FIELD(write) END
  STRUCT(trainhost_state) FIELD(struct_size) FIELD(save) FIELD(load) END
}

void describe_kinds() {
  STRUCT(trainhost_device_facts)
  FIELD(struct_size) FIELD(device_type) FIELD(capability) FIELD(reserved) FIELD(memory_bytes) FIELD(name) END STRUCT(trainhost_precision_plan)
      FIELD(struct_size) FIELD(flags) FIELD(compute) FIELD(parameter) FIELD(master) FIELD(gradient) FIELD(scale_mode) FIELD(growth_interval)
          FIELD(initial_scale) FIELD(growth_factor) FIELD(backoff_factor) FIELD(min_scale) FIELD(max_scale) END
          STRUCT(trainhost_precision_policy) FIELD(struct_size) FIELD(plan) END
          STRUCT(trainhost_precision_layers) FIELD(struct_size) FIELD(format_of) END
          STRUCT(trainhost_window) FIELD(struct_size) FIELD(reserved) FIELD(micro_batch_samples) FIELD(num_micro_batches) FIELD(target_samples)
              FIELD(target_tokens) END
              STRUCT(trainhost_accumulation_schedule) FIELD(struct_size) FIELD(next_window) FIELD(out_of_memory) END
              STRUCT(trainhost_field) FIELD(struct_size) FIELD(role) FIELD(name) FIELD(dtype) FIELD(ndim) FIELD(shape) FIELD(max_shape) FIELD(num_classes)
                  FIELD(pad_value) END
                  STRUCT(trainhost_source_info) FIELD(struct_size) FIELD(num_fields) FIELD(fields) FIELD(num_samples) FIELD(num_blocks) FIELD(block_starts)
                      FIELD(fingerprint) END
                      STRUCT(trainhost_read) FIELD(struct_size) FIELD(flags) FIELD(num_samples) FIELD(ids) FIELD(random_keys) END
                      STRUCT(trainhost_batch_writer) FIELD(impl) FIELD(reserve) END
                      STRUCT(trainhost_data_source) FIELD(struct_size) FIELD(info) FIELD(read) END
                      STRUCT(trainhost_data_lengths) FIELD(struct_size) FIELD(lengths) END
                      STRUCT(trainhost_text) FIELD(struct_size) FIELD(encode) FIELD(decode) END
                      STRUCT(trainhost_object) FIELD(struct_size) FIELD(key) FIELD(size) FIELD(modified_unix_ms) END
                      STRUCT(trainhost_checkpoint_backend) FIELD(struct_size) FIELD(put_begin) FIELD(put_part) FIELD(put_commit) FIELD(put_abort) FIELD(create)
                          FIELD(get) FIELD(list) FIELD(remove) END
                          STRUCT(trainhost_verdict) FIELD(struct_size) FIELD(stop) FIELD(restore_best) FIELD(reason_length) FIELD(reason) END
                          STRUCT(trainhost_stopping_rule) FIELD(struct_size) FIELD(check) END
                          STRUCT(trainhost_lr_schedule) FIELD(struct_size) FIELD(update) FIELD(factors) END
                          STRUCT(trainhost_event) FIELD(struct_size) FIELD(num_metrics) FIELD(name) FIELD(details_json) FIELD(unix_ns) FIELD(progress)
                              FIELD(metrics) END
                              STRUCT(trainhost_observer) FIELD(struct_size) FIELD(on_event) END
}

void describe_values() {
  VALUE(TRAINHOST_ABI_MAJOR) VALUE(TRAINHOST_ABI_MINOR)
  VALUE(TRAINHOST_OK) VALUE(TRAINHOST_CANCELLED) VALUE(TRAINHOST_UNKNOWN) VALUE(TRAINHOST_INVALID_ARGUMENT) VALUE(TRAINHOST_DEADLINE_EXCEEDED)
  VALUE(TRAINHOST_NOT_FOUND) VALUE(TRAINHOST_ALREADY_EXISTS) VALUE(TRAINHOST_PERMISSION_DENIED) VALUE(TRAINHOST_RESOURCE_EXHAUSTED)
  VALUE(TRAINHOST_FAILED_PRECONDITION) VALUE(TRAINHOST_ABORTED) VALUE(TRAINHOST_OUT_OF_RANGE) VALUE(TRAINHOST_UNIMPLEMENTED) VALUE(TRAINHOST_INTERNAL)
  VALUE(TRAINHOST_UNAVAILABLE) VALUE(TRAINHOST_DATA_LOSS)
  VALUE(TRAINHOST_METRIC_TRAIN) VALUE(TRAINHOST_METRIC_EVALUATION) VALUE(TRAINHOST_METRIC_SYSTEM)
  VALUE(TRAINHOST_SCALE_NONE) VALUE(TRAINHOST_SCALE_DEVICE)
  VALUE(TRAINHOST_PRECISION_DETERMINISTIC) VALUE(TRAINHOST_PRECISION_ALLOW_TF32) VALUE(TRAINHOST_PRECISION_AUTOCAST) VALUE(TRAINHOST_PRECISION_LOW_PARAMETERS)
  VALUE(TRAINHOST_CPU_BF16) VALUE(TRAINHOST_CPU_FP16)
  VALUE(TRAINHOST_ROLE_WEIGHT) VALUE(TRAINHOST_ROLE_INPUT) VALUE(TRAINHOST_ROLE_GRADIENT) VALUE(TRAINHOST_ROLE_SAVED)
  VALUE(TRAINHOST_FIELD_INPUT) VALUE(TRAINHOST_FIELD_TARGET) VALUE(TRAINHOST_FIELD_WEIGHT)
  VALUE(TRAINHOST_STOP_NO) VALUE(TRAINHOST_STOP_DONE) VALUE(TRAINHOST_STOP_BUDGET) VALUE(TRAINHOST_STOP_DIVERGED)
  VALUE(TRAINHOST_LOG) VALUE(TRAINHOST_CALL) VALUE(TRAINHOST_RUN) VALUE(TRAINHOST_MEMORY) VALUE(TRAINHOST_UPSTREAM) VALUE(TRAINHOST_STATE)
  VALUE(TRAINHOST_PRECISION_POLICY) VALUE(TRAINHOST_PRECISION_LAYERS) VALUE(TRAINHOST_ACCUMULATION_SCHEDULE) VALUE(TRAINHOST_DATA_SOURCE)
  VALUE(TRAINHOST_DATA_LENGTHS) VALUE(TRAINHOST_TEXT) VALUE(TRAINHOST_CHECKPOINT_BACKEND) VALUE(TRAINHOST_STOPPING_RULE) VALUE(TRAINHOST_LR_SCHEDULE)
  VALUE(TRAINHOST_OBSERVER)
}

}  // namespace

BOOST_AUTO_TEST_SUITE(layout_test)

BOOST_AUTO_TEST_CASE(is_the_recorded_one) {
  describe_basics(), describe_host(), describe_plugin(), describe_kinds(), describe_values();
  const std::string path = TRAINHOST_SOURCE_DIR "/sdk/abi/golden.txt";
  if (std::getenv("TRAINHOST_WRITE_GOLDEN")) std::ofstream(path) << g_layout;
  std::ifstream in(path);
  const std::string golden((std::istreambuf_iterator<char>(in)), {});
  BOOST_TEST(g_layout == golden, "the ABI differs from sdk/abi/golden.txt:\n" << g_layout);
}

BOOST_AUTO_TEST_SUITE_END()
