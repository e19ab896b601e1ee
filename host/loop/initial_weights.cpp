// From a place to tensors in host memory, and from there into the model.
#include "loop/initial_weights.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "base/files.h"
#include "base/log.h"
#include "base/sha256.h"
#include "checkpoint/record.h"
#include "checkpoint/safetensors.h"
#include "loop/model_layout.h"
#include "loop/other_run.h"
#include "loop/run_folder.h"
#include "loop/weight_matching.h"

namespace trainhost {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr const char *kSingleFile = "model.safetensors", *kIndexFile = "model.safetensors.index.json", *kConfigFile = "config.json";

/// Tensors in host memory; the views point into `buffers`.
struct Found {
  std::string words;   // what lay there: "3 files"
  std::string sha256;
  std::vector<TensorView> tensors;
  std::vector<Buffer> buffers;
  bool is_checkpoint = false;     // its names are those of a model of this program
  fs::path config = {};           // of a folder of Hugging Face, else empty
};

Error refused(const std::string& place, const std::string& words) { return Error(ExitCode::kConfig, format("model.init_from: {}: {}", place, words)); }
Error damaged(const fs::path& file, const std::string& words) {
  return Error(ExitCode::kCheckpointUnreadable, format("model.init_from: {}: {}; get the file anew", file.string(), words));
}

Buffer read_bytes(const fs::path& file) {
  if (!fs::is_regular_file(file)) throw damaged(file, "is no file");
  std::ifstream in(file, std::ios::binary | std::ios::ate);
  const std::streamoff size = in ? static_cast<std::streamoff>(in.tellg()) : -1;
  if (size < 0) throw damaged(file, "cannot be read");
  Buffer bytes(static_cast<uint64_t>(size));
  in.seekg(0);
  in.read(reinterpret_cast<char*>(bytes.span().data()), size);
  if (in.gcount() != size) throw damaged(file, format("ends at byte {}, wanted {}", in.gcount(), size));
  return bytes;
}

/// Adds the tensors of one file, and returns its digest.
std::string add_file(const fs::path& file, Found& found) {
  found.buffers.push_back(read_bytes(file));
  const Buffer& bytes = found.buffers.back();
  try {
    SafetensorsFile read = read_safetensors(bytes.span());
    for (TensorView& tensor : read.tensors) {
      if (std::any_of(found.tensors.begin(), found.tensors.end(), [&](const TensorView& other) { return other.name == tensor.name; }))
        throw damaged(file, format("holds the tensor {}, which another file of the folder holds too", tensor.name));
      found.tensors.push_back(std::move(tensor));
    }
  } catch (const SafetensorsError& problem) {
    throw damaged(file, format("is no whole safetensors file: {}", problem.what()));
  }
  return sha256(bytes.text());
}

Found read_file_of_weights(const fs::path& file) {
  Found found{"a safetensors file", "", {}, {}};
  found.sha256 = add_file(file, found);
  return found;
}

/// The files that an index names, with the tensors that each must hold.
std::map<std::string, std::vector<std::string>> files_of_index(const fs::path& index) {
  const Json content = Json::parse(read_file(index, ExitCode::kCheckpointUnreadable), nullptr, false);
  const Json map = content.is_object() ? content.value("weight_map", Json()) : Json();
  if (!map.is_object() || map.empty()) throw damaged(index, "has no weight_map of tensors and files");
  std::map<std::string, std::vector<std::string>> files;
  for (const auto& [tensor, file] : map.items()) {
    if (!file.is_string() || fs::path(file.get<std::string>()).filename() != file.get<std::string>())
      throw damaged(index, format("tensor {} is said to be in {}, which is no file of the folder", tensor, file.dump()));
    files[file.get<std::string>()].push_back(tensor);
  }
  return files;
}

Found read_shards(const fs::path& folder) {
  Found found;
  std::string digests;
  for (const auto& [name, tensors] : files_of_index(folder / kIndexFile)) {
    const fs::path file = folder / name;
    if (!fs::exists(file)) throw damaged(folder / kIndexFile, format("names the file {}, which is missing", name));
    const size_t before = found.tensors.size();
    digests += add_file(file, found);
    for (const std::string& wanted : tensors)
      if (std::none_of(found.tensors.begin() + static_cast<std::ptrdiff_t>(before), found.tensors.end(), [&](const TensorView& tensor) { return tensor.name == wanted; }))
        throw damaged(file, format("lacks the tensor {}, which {} says is there", wanted, kIndexFile));
  }
  found.words = format("{} safetensors files", found.buffers.size());
  found.sha256 = sha256(digests);
  return found;
}

/// The bytes of the weights' object; the buffer may go on behind them.
std::string_view weights_file(const LoadedCheckpoint& loaded) {
  const std::byte *begin = loaded.buffers.front().span().data(), *end = begin;
  for (const TensorView& tensor : loaded.weights) end = std::max(end, tensor.data + tensor.bytes);
  return {reinterpret_cast<const char*>(begin), static_cast<size_t>(end - begin)};
}

Found read_checkpoint(const std::string& uri, const InitialWeightsSource& source) {
  LoadedCheckpoint loaded = load_of_other_run(uri, source.backends, source.facts, source.meter, LoadScope::kWeights, format("model.init_from: {}", source.place));
  Found found{format("checkpoint {} of run {}", loaded.info.id, loaded.run_id), sha256(weights_file(loaded)), std::move(loaded.weights), std::move(loaded.buffers), true};
  return found;
}

/// What `trainhost evaluate` would take too: the checkpoint that the run ended with, else the newest.
std::string uri_of_run_folder(const fs::path& folder, const std::string& place) {
  if (!fs::exists(folder / "checkpoints"))
    throw refused(place, "this run folder has no checkpoints in it; train it first, or give the URI that its config.toml has as checkpoint.uri, with the run's name behind it");
  const auto record = read_run_record(folder);
  const std::string result = record ? record->value("result_checkpoint", "") : "";
  return "file:" + (fs::absolute(folder) / "checkpoints").string() + (result.empty() ? "" : "/" + result);
}

bool holds_checkpoints(const fs::path& folder) {
  return std::any_of(fs::directory_iterator(folder), fs::directory_iterator(), [](const fs::directory_entry& entry) { return CheckpointId::parse(entry.path().filename().string()).has_value(); });
}

Found read_folder(const fs::path& folder, const InitialWeightsSource& source) {
  if (fs::exists(folder / "run.json")) return read_checkpoint(uri_of_run_folder(folder, source.place), source);
  if (fs::exists(folder / kCommitObject) || holds_checkpoints(folder)) return read_checkpoint("file:" + fs::absolute(folder).string(), source);
  const bool has_index = fs::exists(folder / kIndexFile);
  if (!has_index && !fs::exists(folder / kSingleFile))
    throw refused(source.place, format("holds neither {} nor {}, and no checkpoint; weights in other formats are saved anew with safetensors first", kSingleFile, kIndexFile));
  Found found = has_index ? read_shards(folder) : read_file_of_weights(folder / kSingleFile);
  if (fs::exists(folder / kConfigFile)) found.config = folder / kConfigFile;
  return found;
}

Found read_place(const InitialWeightsSource& source) {
  if (has_uri_scheme(source.place)) return read_checkpoint(source.place, source);
  std::string place = source.place;
  while (place.size() > 1 && place.ends_with('/')) place.pop_back();
  if (!fs::exists(place)) throw refused(source.place, "there is nothing; give a safetensors file, a folder with one, a run folder, a checkpoint, or a URI such as s3://BUCKET/PREFIX");
  return fs::is_directory(place) ? read_folder(place, source) : read_file_of_weights(place);
}

Naming own_naming(std::span<const TensorView> own) {
  Naming naming{"its own names", {}};
  for (const TensorView& tensor : own) naming.names.push_back({tensor.name, tensor.name, false});
  return naming;
}

/// Theirs, with the names of aliases behind, and the same without the prefix, as files of the network without its head have them.
std::vector<Naming> foreign_namings(const t2::HuggingFaceLayout& layout) {
  Naming whole{"Hugging Face's names", {}}, bare{format("Hugging Face's names without \"{}\"", layout.prefix), {}};
  for (const bool is_alias : {false, true})
    for (const t2::HuggingFaceTensor& tensor : layout.tensors) {
      if (tensor.is_alias != is_alias) continue;
      whole.names.push_back({tensor.own, tensor.foreign, tensor.is_transposed});
      const bool has_prefix = tensor.foreign.starts_with(layout.prefix);
      bare.names.push_back({tensor.own, has_prefix ? tensor.foreign.substr(layout.prefix.size()) : tensor.foreign, tensor.is_transposed});
    }
  if (layout.prefix.empty()) return {whole};
  return {whole, bare};
}

std::vector<Naming> namings_for(const Found& found, std::span<const TensorView> own, const t2::HuggingFaceLayout& layout) {
  if (found.is_checkpoint || layout.tensors.empty()) return {own_naming(own)};
  std::vector<Naming> namings = foreign_namings(layout);
  if (found.config.empty()) namings.insert(namings.begin(), own_naming(own));  // the tensors tell
  return namings;
}

void require_finite(const WeightMatch& match, const InitialWeightsSource& source) {
  std::vector<TensorView> read;
  for (const InitialTensor& value : match.values) read.push_back(value.value);
  if (const std::string words = first_non_finite(read); !words.empty())
    throw Error(ExitCode::kCheckpointUnreadable, format("model.init_from: {}: {}; weights must be finite, take others", source.place, words));
}

}  // namespace

Json initialise_weights(Engine& engine, const Instance& model, const InitialWeightsSource& source) {
  const Found found = read_place(source);
  const t2::HuggingFace* theirs = hugging_face_of(model);
  const t2::HuggingFaceLayout layout = theirs ? theirs->hugging_face() : t2::HuggingFaceLayout{};
  if (theirs && !found.config.empty()) require_network(*theirs, found.config);
  const std::vector<TensorView> own = engine.weight_layout();
  const WeightMatch match = match_weights(own, found.tensors, namings_for(found, own, layout), format("model.init_from: {}", source.place));
  require_finite(match, source);
  engine.initialise(match.values);
  const std::string line = format("model.init_from: {} ({}): {}", source.place, found.words, describe(match));
  match.only_in_model.empty() ? log_info("{}", line) : log_warning("{}", line);
  return {{"place", source.place}, {"sha256", found.sha256}, {"found", found.words}, {"naming", match.naming}, {"set", match.values.size()},
          {"only_in_model", match.only_in_model}, {"only_in_file", match.only_in_file}};
}

}  // namespace trainhost
