import type { UserView } from '#libs/contracts';

/** Requests contain timestamps as strings: converts them for `datetime` properties. */
export function withDates<V extends object>(
  values: V,
  properties: Readonly<Record<string, { runtimeType: string }>>,
): V {
  const given = Object.entries(values).map(([name, value]: [string, unknown]) => {
    const isMoment = typeof value === 'string' && properties[name]?.runtimeType === 'Date';
    return [name, isMoment ? new Date(value) : value];
  });
  return Object.fromEntries(given) as V;
}

/** For `inboxId`: "Name an inbox of this account." */
export function detailFor(property: string): string {
  const noun = property.replace(/Id$/, '').replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
  return `Name ${/^[aeiou]/.test(noun) ? 'an' : 'a'} ${noun} of this account.`;
}

/** Fields of a user property: `ownerId` is accompanied by `owner`; `assignee` becomes the view itself. */
export function personFields(
  name: string,
  userId: string | null | undefined,
  views: ReadonlyMap<string, UserView>,
): Record<string, unknown> {
  const view = userId ? (views.get(userId) ?? null) : null;
  return name.endsWith('Id') ? { [name]: userId ?? null, [name.slice(0, -2)]: view } : { [name]: view };
}
