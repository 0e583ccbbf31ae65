/** @import { Test } from '@jest/test-result' */
import JestSequencer from '@jest/test-sequencer';

// The types describe the package's CommonJS entry, whose class is the `default` export.
const Sequencer = /** @type {typeof JestSequencer.default} */ (/** @type {unknown} */ (JestSequencer));

/** @param {Test} test */
const ofAll = ({ path }) => /\/(e2e|faults)\//.test(path);

/**
 * Starts the slowest files first. Jest knows previous durations; without one it sorts by file size, which misleads for
 * the short files that start all services and would finish last.
 */
export default class extends Sequencer {
  /**
   * @override
   * @param {Test[]} tests
   */
  async sort(tests) {
    const sorted = await super.sort(tests);
    const early = new Set(sorted.filter((test) => test.duration === undefined && ofAll(test)));
    return [...early, ...sorted.filter((test) => !early.has(test))];
  }
}
