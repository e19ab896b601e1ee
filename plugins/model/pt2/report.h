// What `trainhost model` shows: facts and tables, in the form of sdk/include/trainhost/torch/model_file.h.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

namespace pt2 {

struct Table {
  std::string title;
  std::vector<std::string> columns;
  std::vector<nlohmann::json> rows;  // arrays
};

struct Report {
  nlohmann::ordered_json facts = nlohmann::ordered_json::object();
  std::vector<Table> tables;
  bool is_check = false, is_passed = true;

  std::string json() const {
    nlohmann::ordered_json out = {{"facts", facts}, {"tables", nlohmann::ordered_json::array()}};
    for (const Table& table : tables) out["tables"].push_back({{"title", table.title}, {"columns", table.columns}, {"rows", table.rows}});
    if (is_check) out["passed"] = is_passed;
    return out.dump();
  }
};

}  // namespace pt2
