#include "program.h"

#include "errors.h"
#include "graph_reader.h"

namespace pt2 {
namespace {

constexpr int kSchemaMajor = 8;

ProgramInput input_of(const Json& spec) {
  const auto [tag, json] = tagged(spec);
  if (tag == "parameter") return {ProgramInput::Kind::kParameter, json.at("parameter_name").get<std::string>()};
  if (tag == "buffer") return {ProgramInput::Kind::kBuffer, json.at("buffer_name").get<std::string>()};
  if (tag == "tensor_constant") return {ProgramInput::Kind::kConstant, json.at("tensor_constant_name").get<std::string>()};
  if (tag == "user_input") {
    const auto [kind, argument] = tagged(json.at("arg"));
    if (kind != "as_tensor") throw refuse(trainhost::format("the program has an input of the form {}; fields are tensors", kind));
    return {ProgramInput::Kind::kField, argument.at("name").get<std::string>()};
  }
  if (tag == "custom_obj")
    throw lacks(trainhost::format("the program holds an object of class {}, which only the library that defines it can make; keep tensors in its place and export again",
                                  json.at("arg").at("class_fqn").get<std::string>()));
  throw lacks(trainhost::format("the program has an input of the kind {}, which this version does not know; update trainhost", tag));
}

void check_schema(const Json& document) {
  const int major = document.at("schema_version").at("major").get<int>();
  if (major != kSchemaMajor)
    throw refuse(trainhost::format("the program is written in schema {} of torch.export, this version reads {}; export it with the PyTorch that trainhost is built for", major,
                                   kSchemaMajor));
}

}  // namespace

Program read_program(const Json& document, const Target& target) {
  check_schema(document);
  Program program;
  const Json& module = document.at("graph_module");
  for (const Json& spec : module.at("signature").at("input_specs")) program.inputs.push_back(input_of(spec));
  for (const Json& spec : module.at("signature").at("output_specs")) {
    const auto [tag, json] = tagged(spec);
    if (tag != "user_output") throw refuse(trainhost::format("the program gives a {}; it was decomposed after its export, which trainhost cannot train", tag));
  }
  GraphReader(program.plan, target).read(module.at("graph"));
  if (program.inputs.size() != program.plan.num_inputs)
    throw refuse(trainhost::format("the program's signature has {} inputs, its graph {}; export it again", program.inputs.size(), program.plan.num_inputs));
  plan_lifetimes(program.plan);
  return program;
}

}  // namespace pt2
