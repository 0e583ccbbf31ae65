/** @import { Test } from '@jest/test-result' */
import JestSequencer from '@jest/test-sequencer';

// The types describe the CommonJS entry of the package, whose class is `default` of what is exported.
const Sequencer = /** @type {typeof JestSequencer.default} */ (/** @type {unknown} */ (JestSequencer));

/** @param {Test} test */
const ofAll = ({ path }) => /\/(e2e|faults)\//.test(path);

/**
 * The files that take longest begin first: as Jest has it, by what each took before. It goes by length where none is known
 * yet, and that misleads: those that start all services are short, and would leave everybody waiting in the end.
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
