import type { TestClock } from '#libs/database';
import { Loop } from '#libs/jobs';
import type { RunningService } from '#libs/platform';
import { ModulesContainer } from '@nestjs/core';

/** Makes the workers of a service look for due work when a test advances the clock, not only at their next poll. */
export function wakeOnAdvance(clock: TestClock, { app }: RunningService): void {
  const modules = [...app.get(ModulesContainer, { strict: false }).values()];
  const providers = modules.flatMap((module) => [...module.providers.values()]);
  const workers = new Set(providers.map(({ instance }) => instance).filter((one) => one instanceof Loop));
  clock.onAdvance(() => {
    for (const worker of workers) worker.wake();
  });
}
