// The prediction by the seconds watched, over the time of the trial, below the other lanes.

const COURSE = 90;
const COURSE_GAP = 18;

/** Return the height that the curve takes, 0 without one. */
function courseHeight(trial) {
  return trial.course ? COURSE + COURSE_GAP : 0;
}

/** Draw the curve of a timeline below `top`. */
function drawCourse(timeline, top) {
  const { trial, context, theme, gutter, width } = timeline;
  const { course } = trial;
  if (!course) return;
  const [upper, lower] = [top + COURSE_GAP + 6, top + COURSE_GAP + COURSE - 8];
  const y = (value) => lower - ((lower - upper) * (value - course.low)) / (course.high - course.low);
  const inText = (value) => (course.percent ? `${Math.round(100 * value)} %` : value.toLocaleString("en-US", { maximumSignificantDigits: 3 }));
  timeline.text(`${course.name}, by the seconds watched`, 0, top + COURSE_GAP / 2, width);
  for (const value of [course.low, (course.low + course.high) / 2, course.high]) {
    line(context, theme.grid, [[gutter, y(value)], [width, y(value)]]);
    timeline.text(inText(value), 0, y(value), gutter - 6, theme.faint);
  }
  if (course.threshold !== null) {
    context.setLineDash([4, 3]);
    line(context, theme.faint, [[gutter, y(course.threshold)], [width, y(course.threshold)]]);
    context.setLineDash([]);
    timeline.text("threshold", gutter + 4, y(course.threshold) - 7, 80, theme.faint);
  }
  const end = trial.window ? trial.window[1] + 1 : timeline.end;
  const points = course.seconds.map((second, at) => [timeline.x(Math.min(second ?? end, timeline.end)), y(course.values[at])]);
  line(context, theme.text, points, 2);
  context.fillStyle = theme.text;
  for (const [x, at] of points) context.fillRect(x - 2.5, at - 2.5, 5, 5);
}

function line(context, colour, points, width = 1) {
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.beginPath();
  points.forEach(([x, y], at) => (at ? context.lineTo(x, y) : context.moveTo(x, y)));
  context.stroke();
}
