import type { Problem } from '#libs/contracts';

/** Turns violations of the named constraints into problems. @param problems by constraint name */
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
