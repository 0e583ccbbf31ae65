/** @param {{ rule: string, part?: string }} line */
export const ruleName = ({ rule, part }) => (part ? `${rule} (${part})` : rule);
