// Values of a plugin's answer, as they read best.
#include "commands/answer_text.h"

#include <algorithm>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>
#include <trainhost/format.hpp>

#include "base/table.h"

namespace trainhost {
namespace {

std::string text_of(const nlohmann::ordered_json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_null()) return "-";
  if (value.is_number_float()) return format("{:.6g}", value.get<double>());
  if (!value.is_array()) return value.dump();
  std::string text;
  for (const nlohmann::ordered_json& one : value) text += (text.empty() ? "" : ", ") + text_of(one);
  return text.empty() ? "-" : text;
}

void print_table(std::ostream& out, const nlohmann::ordered_json& table) {
  const nlohmann::ordered_json &columns = table.at("columns"), &body = table.at("rows");
  if (body.empty()) return;
  std::vector<std::vector<std::string>> rows(1);
  std::string alignment;
  for (size_t column = 0; column < columns.size(); ++column) {
    rows[0].push_back(text_of(columns[column]));
    alignment += std::any_of(body.begin(), body.end(), [&](const nlohmann::ordered_json& row) { return row.at(column).is_number(); }) ? 'r' : 'l';
  }
  for (const nlohmann::ordered_json& row : body) {
    rows.emplace_back();
    for (const nlohmann::ordered_json& value : row) rows.back().push_back(text_of(value));
  }
  out << "\n" << text_of(table.at("title")) << "\n" << align_columns(rows, alignment);
}

bool is_answer_table(const nlohmann::ordered_json& table) {
  if (!table.is_object() || !table.contains("title") || !table.contains("columns") || !table.contains("rows")) return false;
  const auto &columns = table.at("columns"), &rows = table.at("rows");
  return columns.is_array() && rows.is_array() &&
         std::all_of(rows.begin(), rows.end(), [&](const nlohmann::ordered_json& row) { return row.is_array() && row.size() == columns.size(); });
}

}  // namespace

bool is_answer(const nlohmann::ordered_json& answer) {
  if (!answer.is_object() || !answer.contains("facts") || !answer.contains("tables") || !answer.at("facts").is_object() || !answer.at("tables").is_array()) return false;
  return std::all_of(answer.at("tables").begin(), answer.at("tables").end(), is_answer_table);
}

void print_answer(std::ostream& out, const nlohmann::ordered_json& answer) {
  std::vector<std::vector<std::string>> facts;
  for (const auto& [name, value] : answer.at("facts").items()) facts.push_back({name, text_of(value)});
  out << align_columns(facts, "ll", 0);
  for (const nlohmann::ordered_json& table : answer.at("tables")) print_table(out, table);
}

}  // namespace trainhost
