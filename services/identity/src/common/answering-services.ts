import { Problem, type UncountedService } from '#libs/contracts';

export const isUnavailable = (error: unknown): error is Problem =>
  error instanceof Problem && error.code === 'service-unavailable';

interface Silence {
  /** Receives the services that do not answer, sorted by name. Without it, all have to answer. */
  uncounted?: UncountedService[];
  /** Whether a service has to answer all the same. */
  isNeeded?: (service: string) => boolean;
}

/**
 * Asks services at the same time.
 * @returns the answers, in the order of the services
 * @throws Problem `service-unavailable` with the name of a service that has to answer and does not
 */
export async function answersOf<Answer>(
  services: Iterable<string>,
  ask: (service: string) => Promise<Answer>,
  { uncounted, isNeeded = () => false }: Silence = {},
): Promise<Answer[]> {
  const asked = [...services].map(async (service): Promise<Answer[]> => {
    try {
      return [await ask(service)];
    } catch (error) {
      if (!uncounted || !isUnavailable(error) || isNeeded(service)) throw error;
      uncounted.push({ service, reason: error.message });
      return [];
    }
  });
  const answers = (await Promise.all(asked)).flat();
  uncounted?.sort((one, other) => one.service.localeCompare(other.service));
  return answers;
}
