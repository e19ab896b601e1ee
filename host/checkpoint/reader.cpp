// The chain of trust: commit record -> manifest -> blocks -> safetensors header -> finite values.
#include "checkpoint/reader.h"

#include "base/crc32c.h"
#include "checkpoint/copies.h"
#include "checkpoint/transfer.h"

namespace trainhost {

static constexpr uint64_t kMaxRecordBytes = uint64_t{1} << 20;

DamagedCheckpoint::DamagedCheckpoint(CheckpointDamage damage)
    : std::runtime_error(format("{}: {}: {}: {}", damage.id, damage.region, damage.object, damage.reason)), damage_(std::move(damage)) {}

CheckpointReader::CheckpointReader(ObjectStore& objects, const std::string& prefix, const CheckpointFolder& folder, unsigned num_threads)
    : objects_(objects), folder_(folder), place_(prefix + folder.id.text() + "/"), num_threads_(num_threads) {}

/// Runs `read`; what it throws about content becomes DamagedCheckpoint or NewerCheckpoint.
template <class Read>
std::invoke_result_t<Read> CheckpointReader::in(const std::string& region, std::string_view name, const Read& read) {
  try {
    return read();
  } catch (const NewerFormat& error) {
    throw NewerCheckpoint(format("checkpoint {}: {} {}", folder_.id.text(), name, error.what()));
  } catch (const ObjectDamage& error) {
    fail(error.is_in_header() ? "header" : region, name, error.what());
  } catch (const RecordError& error) {
    fail(region, name, error.what());
  } catch (const SafetensorsError& error) {
    fail(region, name, error.what());
  } catch (const PluginCallError& error) {
    if (error.status() == TRAINHOST_NOT_FOUND) fail(region, name, "is missing");
    if (error.status() == TRAINHOST_DATA_LOSS || error.status() == TRAINHOST_OUT_OF_RANGE) fail(region, name, error.what());
    throw;
  }
}

void CheckpointReader::fail(const std::string& region, std::string_view object, const std::string& reason) {
  throw DamagedCheckpoint({folder_.id.text(), region, std::string(object), reason});
}

void CheckpointReader::check_size(std::string_view name, uint64_t wanted) {
  const auto found = folder_.sizes.find(name);
  if (found == folder_.sizes.end()) throw RecordError("is missing");
  // A shorter object goes on to be read, so that the place of the damage is known.
  if (found->second > wanted) throw RecordError(format("has {} bytes, wanted {}", found->second, wanted));
}

CommitRecord CheckpointReader::commit() {
  return in("commit", kCommitObject, [&] {
    CommitRecord record = CommitRecord::parse(read_small(objects_, place_ + std::string(kCommitObject), kMaxRecordBytes));
    if (record.id != folder_.id.text()) throw RecordError(format("belongs to {}", record.id));
    return record;
  });
}

void CheckpointReader::mark(std::string_view name) {
  in("mark", name, [&] {
    const std::string id = marked_id(read_small(objects_, place_ + std::string(name), kMaxRecordBytes));
    if (id != folder_.id.text()) throw RecordError(format("belongs to {}", id));
  });
}

Manifest CheckpointReader::manifest(const CommitRecord& commit) {
  return in("manifest", kManifestObject, [&] {
    check_size(kManifestObject, commit.manifest_bytes);
    const std::string text = read_small(objects_, place_ + std::string(kManifestObject), commit.manifest_bytes);
    if (text.size() != commit.manifest_bytes) throw RecordError(format("has {} bytes, the commit record wants {}", text.size(), commit.manifest_bytes));
    if (crc32c(text.data(), text.size()) != commit.manifest_crc32c) throw RecordError("does not match the checksum in the commit record");
    Manifest manifest = Manifest::parse(text);
    for (const std::string_view name : {kWeightsObject, kOptimizerObject, kEngineObject, kPluginsObject, kRunStateObject}) manifest.object(name);
    return manifest;
  });
}

void CheckpointReader::object(const Manifest& manifest, std::string_view name, std::span<std::byte> out) {
  in("data", name, [&] {
    const ObjectRecord& record = manifest.object(name);
    check_size(name, record.bytes);
    read_object(objects_, place_, record, {manifest.block_bytes, num_threads_}, out);
  });
}

Buffer CheckpointReader::object(const Manifest& manifest, std::string_view name) {
  Buffer buffer(in("data", name, [&] { return manifest.object(name).bytes; }));
  object(manifest, name, buffer.span());
  return buffer;
}

std::vector<TensorView> CheckpointReader::tensors(const Manifest& manifest, std::string_view name, std::span<std::byte> out) {
  object(manifest, name, out);
  return in("header", name, [&] { return read_safetensors(out).tensors; });
}

std::vector<TensorView> CheckpointReader::tensors(const Manifest& manifest, std::string_view name, std::vector<Buffer>& buffers) {
  buffers.push_back(object(manifest, name));
  return in("header", name, [&] { return read_safetensors(buffers.back().span()).tensors; });
}

std::vector<TensorView> CheckpointReader::header(const Manifest& manifest, std::string_view name) {
  return in("header", name, [&] {
    const ObjectRecord& record = manifest.object(name);
    check_size(name, record.bytes);
    Buffer buffer(record.header_bytes);
    const uint64_t got = objects_.get(place_ + record.name, 0, buffer.span());
    if (got < record.header_bytes) throw RecordError(format("ends at byte {}, wanted {}", got, record.bytes));
    if (crc32c(buffer.span().data(), got) != record.header_crc32c) throw RecordError("does not match the checksum in the manifest");
    return read_safetensors_header(buffer.span(), record.bytes).tensors;
  });
}

void CheckpointReader::require_finite(std::string_view name, std::span<const TensorView> tensors) {
  if (const std::string found = first_non_finite(tensors, num_threads_); !found.empty()) fail("data", name, found);
}

std::string mark_problem(ObjectStore& objects, const std::string& prefix, const CheckpointFolder& folder, std::string_view name) {
  try {
    read_any_copy(objects, folder, [&](ObjectStore& place, const CheckpointFolder& copy) { return CheckpointReader(place, prefix, copy, 1).mark(name), true; });
    return {};
  } catch (const DamagedCheckpoint& error) {
    return error.what();
  } catch (const NewerCheckpoint& error) {
    return error.what();
  }
}

void verify_folder(ObjectStore& objects, const std::string& prefix, const CheckpointFolder& folder, unsigned num_threads) {
  CheckpointReader reader(objects, prefix, folder, num_threads);
  const Manifest manifest = reader.manifest(reader.commit());
  for (const ObjectRecord& record : manifest.objects) {
    if (!record.name.ends_with(".safetensors")) {
      reader.object(manifest, record.name);
      continue;
    }
    std::vector<Buffer> buffers;  // of one object at a time
    const std::vector<TensorView> tensors = reader.tensors(manifest, record.name, buffers);
    if (record.name == kWeightsObject || record.name == kOptimizerObject) reader.require_finite(record.name, tensors);
  }
  for (const std::string_view mark : {kVerifiedObject, kGoodObject})
    if (folder.has(mark)) reader.mark(mark);
}

}  // namespace trainhost
