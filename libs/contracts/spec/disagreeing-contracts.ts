import { Flag, Id, Ids, Json, ListOf, Moment, Nested, OneOf, Shape, SomeOf, Text, Url, Whole } from '../src/fields.js';
import { declareField } from '../src/fields/registry.js';

/** One field for each way in which a type and its decorator can disagree, and classes that agree. */

export class Agreeing {
  @Id() id: string;
  @Text({ optional: true, nullable: true }) name?: string | null;
  @OneOf(['open', 'closed']) status: 'closed' | 'open';
  @SomeOf(['open', 'closed']) readonly statuses: readonly ('open' | 'closed')[];
  @Moment() at: string;
  @Url() url: string;
  @Json() anything: Record<string, unknown>;
  @Nested(() => Other, { nullable: true }) other: Other | null;
  @ListOf(() => Other) others: Other[];
  @Shape(
    {
      anyOf: [
        { type: 'string', enum: ['all'] },
        { type: 'array', items: { type: 'string', format: 'uuid' } },
      ],
    },
    'ids',
  )
  some: 'all' | string[];
}

export class Other {
  @Whole() count: number;
  /** Methods are not fields. */
  twice(): number {
    return this.count * 2;
  }
}

export class Presence {
  @Text() optionalType?: string;
  @Text({ optional: true }) optionalDecorator: string;
  @Text() nullableType: string | null;
  @Text({ nullable: true }) nullableDecorator: string;
}

export class Values {
  @Text() literals: 'open' | 'closed';
  @OneOf(['open', 'closed']) text: string;
  @OneOf(['open', 'closed']) differentLiterals: 'open' | 'shut';
  @Whole() numberAsText: string;
  @Text() textAsNumber: number;
  @Flag() flagAsText: string;
  @Moment() date: Date;
  @Json() counts: Record<string, number>;
  @Text() anything: unknown;
}

export class Lists {
  @Ids() listAsOne: string;
  @Id() oneAsList: string[];
  @SomeOf(['open', 'closed']) looseItems: string[];
  @ListOf(() => Other) nestedListAsOne: Other;
  @Nested(() => Other) anotherClass: Agreeing;
}

export class Undecorated {
  @Id() id: string;
  forgotten: number;
}

export class WithoutDecorators {
  forgotten?: string;
}

class Hidden {
  @Id() id: string;
}
export const hidden = new Hidden();

class Base {
  @Text() status: string;
}

export class Narrowed extends Base {
  declare status: 'open';
}

export class Contradictory {
  acceptsMore: string;
  acceptsLess: string;
  acceptsNothing: string;
}

const text = { required: true, nullable: false, schema: () => ({ type: 'string' }) };
const never = { ...text, schema: () => ({ type: 'string', pattern: '^never tried$' }) };
const check = (accepts: (value: unknown) => boolean) => [{ name: 'check', accepts, explain: () => 'is wrong' }];
declareField(Contradictory.prototype, 'acceptsMore', { ...text, checks: check((value) => value !== undefined) });
declareField(Contradictory.prototype, 'acceptsLess', { ...text, checks: check((value) => value === 'word') });
declareField(Contradictory.prototype, 'acceptsNothing', { ...never, checks: check(() => false) });
