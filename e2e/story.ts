type Work = () => unknown;

interface Step {
  title: string;
  work: Work;
  outcome?: { error?: unknown };
}

/**
 * Steps that build on each other, for a `describe` that tells a story. All of them are carried out in their order, once,
 * before its tests; each test reports the outcome of its step, so any of them can be run alone. Call it after the
 * `beforeAll` that sets the scene.
 * @param timeout milliseconds for all steps together
 * @returns what is called in place of `it`
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
      if (!step.outcome) throw new Error(`not reached, because this has failed: ${failed?.title ?? 'the time'}`);
      if ('error' in step.outcome) throw step.outcome.error;
    });
  };
}

async function outcomeOf(work: Work): Promise<{ error?: unknown }> {
  try {
    await work();
    return {};
  } catch (error) {
    return { error };
  }
}
