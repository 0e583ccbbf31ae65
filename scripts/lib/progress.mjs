const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
/** Milliseconds. */
const FRAME_INTERVAL = 100;
const REMINDER_INTERVAL = 10_000;

/**
 * Shows that a step is running: on a terminal a spinner with the elapsed time, elsewhere a line every ten seconds and one at
 * the end.
 * @template T
 * @param {string} title
 * @param {(report: (text: string) => void) => T | Promise<T>} work `report` sets the text beside the title
 * @returns {Promise<T>}
 */
export async function step(title, work) {
  const begun = performance.now();
  const isTerminal = process.stdout.isTTY;
  let current = '';
  let frame = 0;
  /** @param {string | undefined} sign */
  const line = (sign) => {
    const seconds = ((performance.now() - begun) / 1000).toFixed(1);
    return `${sign} ${title}${current && `: ${current}`} (${seconds} s)`;
  };
  /** @param {string} text */
  const overwrite = (text) => process.stdout.write(`\r\x1b[2K${text}`);
  const timer = isTerminal
    ? setInterval(() => overwrite(line(FRAMES[frame++ % FRAMES.length])), FRAME_INTERVAL)
    : setInterval(() => console.log(line('  …')), REMINDER_INTERVAL);
  /** @param {string} sign */
  const finish = (sign) => {
    clearInterval(timer);
    if (isTerminal) overwrite(`${line(sign)}\n`);
    else console.log(line(sign));
  };
  try {
    const result = await work((text) => (current = text));
    finish('✓');
    return result;
  } catch (error) {
    finish('✗');
    throw error;
  }
}
