import type { PreviewLine } from '#libs/contracts';

/** The leaver's numbers do not block a conversion, because they stay in use. */
export const isBlocking = (line: PreviewLine): boolean => line.rule !== 'telephony.numbers';
