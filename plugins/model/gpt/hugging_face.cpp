#include "hugging_face.h"

#include <filesystem>
#include <fstream>
#include <iterator>

#include <nlohmann/json.hpp>

namespace gpt {
namespace {

using nlohmann::json;

// Members of a config.json, each with its default in transformers' GPT2Config.
class Reader {
 public:
  Reader(const std::string& text, const std::string& place) : place_(place), json_(json::parse(text, nullptr, false)) {
    if (!json_.is_object()) throw refuse(trainhost::format("{}: is no JSON object; wanted the config.json of a Hugging Face GPT-2", place_));
  }

  int64_t size(const char* name, int64_t otherwise) const {
    const json value = member(name, otherwise);
    if (value.is_number_integer() && value > 0 && value <= INT32_MAX) return value;
    throw refuse(trainhost::format("{}: {} must be a whole number of 1 or more, got {}", place_, name, value.dump()));
  }

  double number(const char* name, double otherwise) const {
    const json value = member(name, otherwise);
    if (value.is_number()) return value;
    throw refuse(trainhost::format("{}: {} must be a number, got {}", place_, name, value.dump()));
  }

  // `wanted` are the values that this network has; the first is the default.
  void require(const char* name, std::initializer_list<json> wanted) const {
    const json value = member(name, *wanted.begin());
    std::string words;
    for (const json& one : wanted) {
      if (value == one) return;
      words += (words.empty() ? "" : " or ") + one.dump();
    }
    throw refuse(trainhost::format("{}: {} is {}, this network has {}; take a model that fits", place_, name, value.dump(), words));
  }

  json member(const char* name, const json& otherwise) const { return json_.contains(name) ? json_[name] : otherwise; }

 private:
  const std::string& place_;
  json json_;
};

void require_same_arithmetic(const Reader& config) {
  config.require("activation_function", {"gelu_new", "gelu_pytorch_tanh"});
  config.require("layer_norm_epsilon", {kNormEpsilon});
  config.require("scale_attn_weights", {true});
  config.require("scale_attn_by_inverse_layer_idx", {false});
  config.require("reorder_and_upcast_attn", {false});
  config.require("add_cross_attention", {false});
  config.require("tie_word_embeddings", {true});
}

double dropout_of(const Reader& config, const std::string& place) {
  const double dropout = config.number("resid_pdrop", 0.1);
  if (dropout < 0 || dropout >= 1) throw refuse(trainhost::format("{}: resid_pdrop must be from 0 to below 1, got {}", place, dropout));
  for (const char* name : {"embd_pdrop", "attn_pdrop"})
    if (const double other = config.number(name, 0.1); other != dropout)
      throw refuse(trainhost::format("{}: resid_pdrop is {}, {} is {}; this network has one dropout: make them equal in a copy of the file", place, dropout, name, other));
  return dropout;
}

bool is_linear_weight(const std::string& name) { return name.ends_with(".weight") && (name.find(".c_") != std::string::npos); }

}  // namespace

Shape parse_config(const std::string& text, const std::string& place) {
  const Reader config(text, place);
  config.require("model_type", {"gpt2"});
  require_same_arithmetic(config);
  Shape shape{config.size("n_layer", 12), config.size("n_head", 12), config.size("n_embd", 768), config.size("n_positions", 1024), config.size("vocab_size", 50257),
              dropout_of(config, place)};
  if (shape.width % shape.heads != 0) throw refuse(trainhost::format("{}: n_embd {} must be a multiple of n_head {}", place, shape.width, shape.heads));
  config.require("n_inner", {nullptr, 4 * shape.width});
  return shape;
}

Shape read_config(const std::string& path) {
  std::error_code unknown;
  const std::filesystem::path file = std::filesystem::is_directory(path, unknown) ? std::filesystem::path(path) / "config.json" : std::filesystem::path(path);
  std::ifstream in(file, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(in)), {});
  if (!in.is_open() || in.bad()) throw refuse(trainhost::format("config: {} cannot be read; name the config.json of a Hugging Face GPT-2, or its folder", file.string()));
  return parse_config(text, file.string());
}

std::string config_text(const Shape& shape) {
  const json config = {{"architectures", {"GPT2LMHeadModel"}}, {"model_type", "gpt2"}, {"n_layer", shape.layers}, {"n_head", shape.heads}, {"n_embd", shape.width},
                       {"n_positions", shape.context_length}, {"vocab_size", shape.vocabulary}, {"n_inner", nullptr}, {"activation_function", "gelu_new"},
                       {"layer_norm_epsilon", kNormEpsilon}, {"resid_pdrop", shape.dropout}, {"embd_pdrop", shape.dropout}, {"attn_pdrop", shape.dropout},
                       {"scale_attn_weights", true}, {"scale_attn_by_inverse_layer_idx", false}, {"reorder_and_upcast_attn", false}, {"tie_word_embeddings", true},
                       {"bos_token_id", nullptr}, {"eos_token_id", nullptr}};  // which tokens end a text is the data's business
  return config.dump();
}

std::vector<t2::HuggingFaceTensor> foreign_names(std::span<const t2::Parameter> parameters) {
  std::vector<t2::HuggingFaceTensor> tensors;
  for (const t2::Parameter& parameter : parameters) tensors.push_back({parameter.name, parameter.name, is_linear_weight(parameter.name), false});
  tensors.push_back({parameters.front().name, "lm_head.weight", false, true});
  return tensors;
}

}  // namespace gpt
