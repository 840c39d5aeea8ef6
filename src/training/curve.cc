#include "training/curve.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <vector>

namespace attend {
namespace {

struct Point {
  double x, y;
};
using Lines = std::map<std::string, std::vector<Point>>;

constexpr double kWidth = 720, kPanel = 220, kLeft = 56, kRight = 16, kTop = 28, kGap = 56;
constexpr std::array<const char*, 4> kColours = {"#1f6f8b", "#c8553d", "#588157", "#6d597a"};

/// A round number of which about five make up `span`.
double tick_of(double span) {
  const double power = std::pow(10.0, std::floor(std::log10(span / 5)));
  const double ratio = span / 5 / power;
  return power * (ratio < 1.5 ? 1 : ratio < 3.5 ? 2 : ratio < 7.5 ? 5 : 10);
}

struct Axes {
  double last_x, low, high, top;
  double x(double value) const { return kLeft + (kWidth - kLeft - kRight) * value / last_x; }
  double y(double value) const { return top + kPanel * (high - value) / (high - low); }
};

Axes axes_of(const Lines& lines, double last_x, double top) {
  Axes axes{last_x, 1e300, -1e300, top};
  for (const auto& [name, points] : lines) {
    for (const Point& point : points) {
      axes.low = std::min(axes.low, point.y);
      axes.high = std::max(axes.high, point.y);
    }
  }
  if (axes.low > axes.high) axes.low = 0, axes.high = 1;
  const double tick = tick_of(std::max(axes.high - axes.low, 1e-3));
  axes.low = std::floor(axes.low / tick) * tick;
  axes.high = std::max(std::ceil(axes.high / tick) * tick, axes.low + tick);
  return axes;
}

std::string draw_grid(const Axes& axes, const std::string& title) {
  std::string svg =
      fmt::format("<text x='{}' y='{}' font-weight='bold'>{}</text>\n", kLeft, axes.top - 10, title);
  const double tick = tick_of(axes.high - axes.low);
  const auto ticks = std::lround((axes.high - axes.low) / tick);
  for (long n = 0; n <= ticks; ++n) {
    const double value = axes.low + static_cast<double>(n) * tick;
    svg += fmt::format(
        "<path d='M{:.1f} {:.1f}H{:.1f}' stroke='#ddd'/><text x='{}' y='{:.1f}' "
        "text-anchor='end'>{:.4g}</text>\n",
        kLeft, axes.y(value), kWidth - kRight, kLeft - 6, axes.y(value) + 4, value);
  }
  const double step = tick_of(axes.last_x);
  for (int n = 0; n * step <= axes.last_x; ++n) {
    const double value = n * step;
    svg += fmt::format("<text x='{:.1f}' y='{:.1f}' text-anchor='middle'>{:.0f}</text>\n", axes.x(value),
                       axes.top + kPanel + 16, value);
  }
  return svg;
}

std::string draw_lines(const Axes& axes, const Lines& lines) {
  std::string svg;
  size_t line = 0;
  for (const auto& [name, points] : lines) {
    const char* colour = kColours[line % kColours.size()];
    svg += "<polyline fill='none' stroke-width='1.5' stroke='" + std::string(colour) + "' points='";
    for (const Point& point : points) svg += fmt::format("{:.1f},{:.1f} ", axes.x(point.x), axes.y(point.y));
    svg += fmt::format("'/>\n<text x='{}' y='{:.1f}' text-anchor='end' fill='{}'>{}</text>\n",
                       kWidth - kRight, axes.top - 10 + 14 * static_cast<double>(line), colour, name);
    ++line;
  }
  return svg;
}

std::string draw_panel(const Lines& lines, double last_x, double top, const std::string& title) {
  const Axes axes = axes_of(lines, last_x, top);
  return draw_grid(axes, title) + draw_lines(axes, lines);
}

/// A name out of the file system, made fit for XML.
std::string escaped(const std::string& text) {
  std::string safe;
  for (const char c : text) {
    if (c == '&')
      safe += "&amp;";
    else if (c == '<')
      safe += "&lt;";
    else
      safe += c;
  }
  return safe;
}

}  // namespace

std::string draw_curve(std::span<const LogRow> rows, const std::string& title) {
  Lines losses, scores;
  double last = 1;
  for (const LogRow& row : rows) {
    const double x = static_cast<double>(row.step);
    last = std::max(last, x);
    if (row.set.empty())
      losses["training"].push_back({x, row.loss});
    else
      scores[escaped(row.set)].push_back({x, row.score});
  }
  const double height = kTop + 2 * kPanel + kGap + 44;
  return fmt::format(
             "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {} {}' font-family='sans-serif' "
             "font-size='12'>\n"
             "<rect width='100%' height='100%' fill='white'/>\n",
             kWidth, height) +
         draw_panel(losses, last, kTop, "loss, nats a word") +
         draw_panel(scores, last, kTop + kPanel + kGap, escaped(title)) +
         fmt::format("<text x='{}' y='{}' text-anchor='middle'>steps</text>\n</svg>\n", kWidth / 2,
                     height - 8);
}

}  // namespace attend
