// `trainhost ckpt export`: the weights for other programs, as one safetensors file or as a folder that transformers loads.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <iostream>

#include <nlohmann/json.hpp>

#include "base/files.h"
#include "checkpoint/transfer.h"
#include "commands/ckpt_command.h"

namespace trainhost {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

Error unwritable(const fs::path& path, const std::string& what) {
  return Error(ExitCode::kCheckpointUnwritable, format("{}: cannot be written: {}; make room or access there, or choose another DEST", path.string(), what));
}

/// Written piece by piece, since the weights lie in memory once already; on the disk when it returns.
void write_tensors(const fs::path& path, std::span<const TensorView> tensors) {
  const SafetensorsLayout layout = lay_out_safetensors(tensors, {{"format", "pt"}});
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (file < 0) throw unwritable(path, std::strerror(errno));
  const auto write_all = [&](const void* data, uint64_t size) {
    for (uint64_t done = 0; done < size;) {
      const ssize_t written = ::write(file, static_cast<const char*>(data) + done, std::min<uint64_t>(size - done, uint64_t{64} << 20));
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) return false;
      done += static_cast<uint64_t>(written);
    }
    return true;
  };
  bool is_written = write_all(layout.header.data(), layout.header.size());
  for (const TensorView& tensor : layout.tensors) is_written = is_written && write_all(tensor.data, tensor.bytes);
  is_written = is_written && ::fsync(file) == 0;
  const int error = errno;
  ::close(file);
  if (!is_written) throw unwritable(path, std::strerror(error));
}

/// Sibling of the destination while it is being made; nothing is left when making it fails.
class Draft {
 public:
  explicit Draft(fs::path destination) : destination_(std::move(destination)), path_(destination_.string() + format(".{}.part", ::getpid())) {
    if (fs::exists(destination_)) throw Error(ExitCode::kConfig, format("{}: is there already, and is not overwritten; choose another DEST, or remove it", destination_.string()));
    if (destination_.has_parent_path() && !fs::is_directory(destination_.parent_path()))
      throw Error(ExitCode::kConfig, format("{}: its folder does not exist; make it, or choose another DEST", destination_.string()));
  }
  ~Draft() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  Draft(const Draft&) = delete;
  Draft& operator=(const Draft&) = delete;

  const fs::path& path() const { return path_; }
  void finish() {
    std::error_code error;
    fs::rename(path_, destination_, error);
    if (error) throw unwritable(destination_, error.message());
  }

 private:
  fs::path destination_, path_;
};

struct Exported {
  std::string id;
  std::vector<TensorView> weights;
  std::vector<Buffer> buffers;
  json model;  // what run_state.json says of it
};

Exported read_exported(const Request& request, CheckpointPlace& place, ObjectStore& objects, const CheckpointFolder& folder) {
  CheckpointReader reader(objects, "", folder, kReadThreads);
  const Manifest manifest = reader.manifest(reader.commit());
  Exported exported{folder.id.text(), {}, {}, json::object()};
  const Buffer text = reader.object(manifest, kRunStateObject);
  const json run_state = json::parse(text.text(), nullptr, false);
  if (!run_state.is_object()) reader.fail("data", kRunStateObject, "is no JSON object");
  exported.model = run_state.value("model", json::object());
  const ShownReading shown(request, place, manifest.object(kWeightsObject).bytes, "reading " + exported.id);
  exported.weights = reader.tensors(manifest, kWeightsObject, exported.buffers);
  reader.require_finite(kWeightsObject, exported.weights);
  return exported;
}

/// The tensor with its two axes changed over, in a buffer of its own.
TensorView transposed(const TensorView& tensor, std::vector<Buffer>& buffers) {
  const uint64_t rows = static_cast<uint64_t>(tensor.shape[0]), columns = static_cast<uint64_t>(tensor.shape[1]), size = safetensors_bits(tensor.dtype) / 8;
  Buffer& buffer = buffers.emplace_back(tensor.bytes);
  for (uint64_t row = 0; row < rows; ++row)
    for (uint64_t column = 0; column < columns; ++column)
      std::memcpy(buffer.span().data() + (column * rows + row) * size, tensor.data + (row * columns + column) * size, size);
  return {tensor.name, tensor.dtype, {tensor.shape[1], tensor.shape[0]}, buffer.span().data(), tensor.bytes};
}

std::vector<TensorView> hugging_face_tensors(Exported& exported, const json& layout) {
  std::vector<TensorView> tensors;
  std::vector<Buffer> buffers;
  for (const json& entry : layout.at("tensors")) {
    const std::string name = entry.at(0);
    const auto found = std::find_if(exported.weights.begin(), exported.weights.end(), [&](const TensorView& tensor) { return tensor.name == name; });
    if (found == exported.weights.end() || (entry.at(2) == true && (found->shape.size() != 2 || safetensors_bits(found->dtype) % 8 != 0)))
      throw Error(ExitCode::kCheckpointUnreadable, format("checkpoint {}: its Hugging Face layout and its tensor \"{}\" do not fit together", exported.id, name));
    tensors.push_back(entry.at(2) == true ? transposed(*found, buffers) : *found);
    tensors.back().name = entry.at(1);
  }
  for (Buffer& buffer : buffers) exported.buffers.push_back(std::move(buffer));
  return tensors;
}

json hugging_face_layout(const Exported& exported) {
  const std::string model = exported.model.value("plugin", "the model");
  const json layout = exported.model.value("hugging_face", json());
  std::string why;
  if (exported.model.empty()) why = "it was saved by a version that did not write down the model's layout; save it anew with this one";
  else if (layout.is_null()) why = format("{} has no layout for transformers; export it with --format safetensors", model);
  else if (layout.contains("refusal")) why = format("{}: {}; export it with --format safetensors", model, layout.value("refusal", ""));
  if (!why.empty()) throw Error(ExitCode::kConfig, format("checkpoint {}: --format huggingface: {}", exported.id, why));
  return layout;
}

void export_hugging_face(Exported& exported, const fs::path& folder) {
  const json layout = hugging_face_layout(exported);
  std::error_code error;
  fs::create_directory(folder, error);
  if (error) throw unwritable(folder, error.message());
  write_tensors(folder / "model.safetensors", hugging_face_tensors(exported, layout));
  json config = layout.at("config");
  write_file_atomically(folder / "config.json", config.dump(2) + "\n", ExitCode::kCheckpointUnwritable);
}

}  // namespace

ExitCode ckpt_export(const Request& request, CheckpointPlace& place, const std::string& destination) {
  if (request.format != "safetensors" && request.format != "huggingface")
    throw Error(ExitCode::kConfig, format("command line: --format {}: wanted safetensors or huggingface", request.format));
  Draft draft{fs::path(destination)};
  Exported exported = read_or_refuse(
      [&] { return read_any_copy(place.objects(), place.folder(), [&](ObjectStore& objects, const CheckpointFolder& copy) { return read_exported(request, place, objects, copy); }); });
  if (request.format == "huggingface") export_hugging_face(exported, draft.path());
  else write_tensors(draft.path(), exported.weights);
  draft.finish();
  if (request.is_json)
    std::cout << json{{"checkpoint", exported.id}, {"destination", destination}, {"format", request.format}, {"tensors", exported.weights.size()}}.dump() << "\n";
  else
    std::cout << format("{}: {} tensors of checkpoint {}, {}\n", destination, exported.weights.size(), exported.id, request.format);
  return ExitCode::kDone;
}

}  // namespace trainhost
