const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const SILENCE = 10_000;

/**
 * Shows one step while it runs: a spinner with the time on a terminal, else a line when it is done and a sign of life
 * every ten seconds. `work` gets a function that says what it is at.
 */
export async function step(title, work) {
  const begun = performance.now();
  const seconds = () => `${((performance.now() - begun) / 1000).toFixed(1)} s`;
  let at = '';
  const terminal = process.stdout.isTTY;
  const draw = (sign, end = '') =>
    process.stdout.write(`\r\x1b[2K${sign} ${title}${at && `: ${at}`} (${seconds()})${end}`);
  let frame = 0;
  const timer = terminal
    ? setInterval(() => draw(FRAMES[frame++ % FRAMES.length]), 100)
    : setInterval(() => console.log(`  … ${title}${at && `: ${at}`} (${seconds()})`), SILENCE);
  const finish = (sign) => {
    clearInterval(timer);
    if (terminal) draw(sign, '\n');
    else console.log(`${sign} ${title}${at && `: ${at}`} (${seconds()})`);
  };
  try {
    const result = await work((text) => (at = text));
    finish('✓');
    return result;
  } catch (error) {
    finish('✗');
    throw error;
  }
}
