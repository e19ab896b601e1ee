// `trainhost data show`: a batch as the loop gets it, without a run.
#include <algorithm>
#include <cstring>
#include <fstream>
#include <iostream>

#include <nlohmann/json.hpp>

#include "base/files.h"
#include "base/sha256.h"
#include "base/table.h"
#include "commands/contact_sheet.h"
#include "commands/data_command.h"
#include "commands/training_data.h"
#include "data/elements.h"
#include "plugin/dtype.h"

namespace trainhost {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kShownValues = 8, kShownText = 200;

std::string_view bytes_of(const HostField& field) { return {reinterpret_cast<const char*>(field.data), field.bytes}; }

template <class T>
T value_at(const std::byte* data, size_t index) {
  T value;
  std::memcpy(&value, data + index * sizeof value, sizeof value);
  return value;
}

/// An element as a number; formats that C++ does not know stay hexadecimal.
Json element_at(trainhost_dtype dtype, const std::byte* data, size_t index) {
  switch (dtype.code << 8 | dtype.bits) {
    case TRAINHOST_DTYPE_BOOL << 8 | 8: return value_at<uint8_t>(data, index) != 0;
    case TRAINHOST_DTYPE_UINT << 8 | 8: return value_at<uint8_t>(data, index);
    case TRAINHOST_DTYPE_INT << 8 | 8: return value_at<int8_t>(data, index);
    case TRAINHOST_DTYPE_INT << 8 | 16: return value_at<int16_t>(data, index);
    case TRAINHOST_DTYPE_UINT << 8 | 16: return value_at<uint16_t>(data, index);
    case TRAINHOST_DTYPE_INT << 8 | 32: return value_at<int32_t>(data, index);
    case TRAINHOST_DTYPE_UINT << 8 | 32: return value_at<uint32_t>(data, index);
    case TRAINHOST_DTYPE_INT << 8 | 64: return value_at<int64_t>(data, index);
    case TRAINHOST_DTYPE_UINT << 8 | 64: return value_at<uint64_t>(data, index);
    case TRAINHOST_DTYPE_FLOAT << 8 | 32: return value_at<float>(data, index);
    case TRAINHOST_DTYPE_FLOAT << 8 | 64: return value_at<double>(data, index);
    case TRAINHOST_DTYPE_BFLOAT << 8 | 16: {
      const uint32_t bits = uint32_t{value_at<uint16_t>(data, index)} << 16;
      return value_at<float>(reinterpret_cast<const std::byte*>(&bits), 0);
    }
    default: {
      std::string hex = "0x";
      for (size_t i = element_bytes(dtype); i-- > 0;) hex += format("{:02x}", std::to_integer<unsigned>(data[index * element_bytes(dtype) + i]));
      return hex;
    }
  }
}

Json first_values(const HostField& field) {
  Json values = Json::array();
  const size_t count = element_bytes(field.dtype) > 0 ? field.bytes / element_bytes(field.dtype) : 0;
  for (size_t i = 0; i < std::min(count, kShownValues); ++i) values.push_back(element_at(field.dtype, field.data, i));
  return values;
}

/// The first sample of the first field of tokens, as text.
std::optional<std::string> text_of_batch(const DataSource* source, const HostBatch& batch) {
  if (!source) return std::nullopt;
  const std::vector<FieldSpec>& specs = source->info().fields;
  for (size_t i = 0; i < specs.size(); ++i) {
    const HostField& field = batch.fields[i];
    if (specs[i].role != TRAINHOST_FIELD_INPUT || !is_integer(field.dtype) || field.shape.size() != 2) continue;
    std::vector<int64_t> tokens;
    for (size_t k = 0; k < static_cast<size_t>(field.shape[1]); ++k) tokens.push_back(element_at(field.dtype, field.data, k).get<int64_t>());
    if (specs[i].shape[0] == -1)  // what fills it up to the longest sample is no text
      while (!tokens.empty() && static_cast<double>(tokens.back()) == specs[i].pad_value) tokens.pop_back();
    return source->decode(tokens);
  }
  return std::nullopt;
}

struct Shown {
  Json answer;
  std::vector<Picture> pictures;
};

Json show_micro_batch(const SourceInfo& info, const SampleList& samples, const HostBatch& batch, std::string& hashed) {
  Json keys = Json::array(), fields = Json::array();
  for (const uint64_t key : samples.keys) keys.push_back(format("{:016x}", key));
  for (size_t i = 0; i < batch.fields.size(); ++i) {
    const HostField& field = batch.fields[i];
    const std::string digest = sha256(bytes_of(field));
    fields.push_back({{"name", info.fields[i].name}, {"dtype", dtype_text(field.dtype)}, {"shape", field.shape}, {"sha256", digest}, {"first_values", first_values(field)}});
    hashed += format("{} {} {} {}\n", info.fields[i].name, dtype_text(field.dtype), Json(field.shape).dump(), digest);
  }
  return {{"ids", samples.ids}, {"keys", keys}, {"fields", fields}};
}

Shown show_window(TrainingData& data, uint64_t step) {
  const TrainingData::Window window = data.window(step);
  Shown shown;
  std::string hashed;
  Json micro_batches = Json::array();
  uint64_t num_samples = 0;
  std::optional<std::string> text;
  for (const SampleList& samples : window.micro_batches) {
    const HostBatch batch = data.read(samples).batch;
    num_samples += samples.ids.size();
    micro_batches.push_back(show_micro_batch(data.source().info(), samples, batch, hashed));
    if (micro_batches.size() == 1) text = text_of_batch(data.text(), batch);
    for (size_t i = 0; i < batch.fields.size(); ++i)
      if (is_picture(data.source().info().fields[i]))
        for (Picture& picture : pictures_of(batch.fields[i])) shown.pictures.push_back(std::move(picture));
  }
  shown.answer = {{"step", step},
                  {"epoch", window.start.epoch},
                  {"epoch_position", window.start.epoch_position},
                  {"samples", num_samples},
                  {"source", data.source().name()},
                  {"hash", sha256(hashed)},
                  {"micro_batches", micro_batches}};
  if (text) shown.answer["text"] = *text;
  return shown;
}

std::string list_text(const Json& list, size_t most) {
  std::string text;
  for (size_t i = 0; i < std::min(list.size(), most); ++i) text += (i ? " " : "") + (list[i].is_string() ? list[i].get<std::string>() : list[i].is_number_float() ? format("{:.6g}", list[i].get<double>()) : list[i].dump());
  return text + (list.size() > most ? " ..." : "");
}

void print_shown(const Json& answer) {
  std::cout << format("step {}: {} samples of {}, epoch {} from sample {}\nhash {}\n", answer["step"].get<uint64_t>(), answer["samples"].get<uint64_t>(),
                      answer["source"].get<std::string>(), answer["epoch"].get<uint64_t>(), answer["epoch_position"].get<uint64_t>(), answer["hash"].get<std::string>());
  size_t number = 0;
  for (const Json& micro_batch : answer["micro_batches"]) {
    std::cout << format("\nmicro-batch {}: ids {}\n", ++number, list_text(micro_batch["ids"], 16));
    std::vector<std::vector<std::string>> rows;
    for (const Json& field : micro_batch["fields"])
      rows.push_back({field["name"].get<std::string>(), field["dtype"].get<std::string>(), field["shape"].dump(), list_text(field["first_values"], kShownValues) + " ..."});
    std::cout << align_columns(rows, "llll");
  }
  if (answer.contains("text")) std::cout << "\ntext of the first sample:\n" << printable_text(std::string(clip_text(answer["text"].get<std::string>(), kShownText))) << "\n";
}

void write_sheet(const std::string& path, const std::vector<Picture>& pictures, const std::string& source) {
  if (pictures.empty()) throw Error(ExitCode::kConfig, format("--out {}: {} has no images (uint8 or float32, [1 or 3, height, width]); leave --out out", path, source));
  std::ofstream file(path, std::ios::binary);
  file << contact_sheet(pictures);
  file.close();
  if (!file) throw Error(ExitCode::kFailure, format("--out {}: cannot be written; choose another place", path));
}

}  // namespace

ExitCode data_show(const Request& request) {
  if (!request.step || *request.step == 0) throw Error(ExitCode::kConfig, "command line: data show needs --step N, the update to show, counted from 1");
  Request layers = request;
  layers.words.erase(layers.words.begin());
  const Job job = load_job(layers);
  TrainingData data(job);
  const Shown shown = show_window(data, *request.step);
  if (request.out_file) write_sheet(*request.out_file, shown.pictures, data.source().name());
  if (request.is_json) std::cout << shown.answer.dump(-1, ' ', false, Json::error_handler_t::replace) << "\n";
  else print_shown(shown.answer);
  return ExitCode::kDone;
}

}  // namespace trainhost
