import type { Problem } from '#libs/contracts';

/** Turns the database's refusal by one of these constraints into the problem it means. */
export async function mapConstraintErrors<T>(
  problems: Readonly<Record<string, () => Problem>>,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const problem = problems[(error as { constraint?: string }).constraint ?? ''];
    throw problem ? problem() : error;
  }
}
