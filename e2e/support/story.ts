type Work = () => unknown;

interface Step {
  title: string;
  work: Work;
  outcome?: { error?: unknown };
}

/**
 * For a `describe` whose steps build on each other. All steps run once, in order, before the tests; each test reports the
 * outcome of its step, so that any test can be run alone. Call it after the `beforeAll` that the steps need.
 * @param timeout milliseconds for all steps together
 * @returns the function to call instead of `it`
 */
export function story(timeout = 120_000): (title: string, work: Work) => void {
  const steps: Step[] = [];
  beforeAll(async () => {
    for (const step of steps) {
      step.outcome = await outcomeOf(step.work);
      if ('error' in step.outcome) return;
    }
  }, timeout);
  return (title, work) => {
    const step: Step = { title, work };
    steps.push(step);
    it(title, () => {
      const failed = steps.find(({ outcome }) => outcome && 'error' in outcome);
      if (!step.outcome) throw notReached(failed);
      if ('error' in step.outcome) throw step.outcome.error;
    });
  };
}

/** An error of one line: the step that failed reports its own with a stack. */
function notReached(failed: Step | undefined): Error {
  const error = new Error(`not reached: ${failed ? `this step failed: ${failed.title}` : 'timed out'}`);
  error.stack = error.message;
  return error;
}

async function outcomeOf(work: Work): Promise<{ error?: unknown }> {
  try {
    await work();
    return {};
  } catch (error) {
    return { error };
  }
}
