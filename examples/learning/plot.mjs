const [WIDTH, HEIGHT, GAP] = [260, 150, 50];
const COLORS = { off: '#8a8a8a', on: '#0b7a4b' };

/** Curves beside each other as SVG, each from 0 up to its own greatest value. */
export function plot(curves) {
  const charts = curves.map(({ name, ...lines }, index) => {
    const most = Math.max(...lines.off, ...lines.on) || 1;
    const left = GAP + index * (WIDTH + GAP);
    const paths = Object.entries(lines).map(([run, values]) => {
      const points = values.map((value, place) => {
        const x = left + (place * WIDTH) / Math.max(1, values.length - 1);
        return `${x.toFixed(1)},${(GAP + HEIGHT - (value / most) * HEIGHT).toFixed(1)}`;
      });
      return `<polyline fill="none" stroke="${COLORS[run]}" stroke-width="2" points="${points.join(' ')}"/>`;
    });
    return `<text x="${left}" y="30">${name}, up to ${most < 2 ? most.toFixed(2) : most.toFixed(0)}</text>
<path d="M${left} ${GAP}v${HEIGHT}h${WIDTH}" fill="none" stroke="#333"/>
${paths.join('\n')}`;
  });
  const width = GAP + curves.length * (WIDTH + GAP);
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${HEIGHT + 2 * GAP}" font-family="sans-serif" font-size="13">
<rect width="100%" height="100%" fill="white"/>
${charts.join('\n')}
<text x="${GAP}" y="${HEIGHT + GAP + 30}" fill="${COLORS.on}">with learning</text>
<text x="${GAP + 110}" y="${HEIGHT + GAP + 30}" fill="${COLORS.off}">without</text>
</svg>
`;
}
