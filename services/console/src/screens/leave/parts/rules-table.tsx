import { Fragment, useState } from 'react';
import { Icon } from '../../../components/icon';
import { SkeletonRows } from '../../../components/table/skeleton-rows';
import type { IconName } from '../../../design/icons';
import { ICONS } from '../../../design/icons';
import { leave as texts } from '../../../texts/leave';
import { number } from '../../../texts/numbers';
import { serviceName } from '../../../texts/services';
import { addCounts, changesOf, type FoldedRule } from '../plan/fold';
import type { Choosing } from '../plan/choosing';
import { RuleRow } from './rule-row';

const { choose } = texts;
const FILTERS = ['all', 'changes', 'differs'] as const;
type Filter = (typeof FILTERS)[number];

interface RulesTableProps {
  rules: readonly FoldedRule[];
  choosing: Choosing;
  isLoading: boolean;
}

/** One table by service: the rules with something to do, and a line for what always stays. */
export function RulesTable({ rules, choosing, isLoading }: RulesTableProps) {
  const [filter, setFilter] = useState<Filter>('all');
  const touched = rules.filter(({ total, differs }) => total > 0 || differs);
  const shown = touched.filter((rule) => matches(rule, filter));
  const services = [...Map.groupBy(shown, ({ service }) => service)].toSorted(([a], [b]) => last(a) - last(b));
  return (
    <section aria-labelledby="rules">
      <div className="section-head">
        <h2 id="rules">{choose.rules(touched.length, new Set(touched.map(({ service }) => service)).size)}</h2>
        <fieldset className="seg push">
          <legend className="sr">{choose.filter.label}</legend>
          {FILTERS.map((one) => (
            <label key={one}>
              <input type="radio" name="filter" checked={filter === one} onChange={() => setFilter(one)} />
              {choose.filter[one]}
            </label>
          ))}
        </fieldset>
      </div>
      <div className="table-wrap" aria-busy={isLoading}>
        <table className="table choose cards mid" role="table">
          <caption className="sr">{choose.caption}</caption>
          <thead role="rowgroup">
            <tr role="row">
              <th role="columnheader" scope="col">
                {choose.columns.what}
              </th>
              <th role="columnheader" scope="col" className="num col-n">
                {choose.columns.count}
              </th>
              <th role="columnheader" scope="col" className="col-action">
                {choose.columns.action}
              </th>
              <th role="columnheader" scope="col" className="col-who">
                {choose.columns.who}
              </th>
            </tr>
          </thead>
          {isLoading && (
            <tbody>
              <SkeletonRows rows={10} columns={4} />
            </tbody>
          )}
          {services.map(([service, of]) => (
            <ServiceRules key={service} service={service} rules={of} choosing={choosing} />
          ))}
        </table>
        {!isLoading && shown.length === 0 && (
          <p className="table-foot">{filter === 'all' ? choose.empty : choose.none}</p>
        )}
      </div>
    </section>
  );
}

/** The rules of signing in, where little can be chosen, come last. */
const last = (service: string): number => (service === 'identity' ? 1 : 0);

function matches({ differs, counts }: FoldedRule, filter: Filter): boolean {
  return filter === 'all' || (filter === 'differs' ? differs : changesOf(counts) > 0);
}

function ServiceRules({ service, rules, choosing }: { service: string; rules: FoldedRule[]; choosing: Choosing }) {
  const always = rules.filter(({ isFixed, counts, total }) => isFixed && counts.stays === total);
  const counts = addCounts(rules.map((rule) => rule.counts));
  const tally = (['hands', 'ends', 'destroyed', 'stays'] as const)
    .filter((fate) => counts[fate] > 0)
    .map((fate) => choose.tally[fate](counts[fate]));
  return (
    <tbody role="rowgroup">
      <tr role="row" className="group">
        <th role="rowheader" scope="rowgroup" colSpan={4}>
          <span className="group-name">
            <Icon name={iconOf(service)} />
            {serviceName(service)}
          </span>
          <span className="tally-line">{tally.join(' · ')}</span>
        </th>
      </tr>
      {rules
        .filter((rule) => !always.includes(rule))
        .map((rule) => (
          <RuleRow key={rule.rule} rule={rule} choosing={choosing} />
        ))}
      {always.length > 0 && (
        <tr role="row">
          <td role="cell" colSpan={4} className="wide">
            <p className="kept-line">
              <Icon name="lock" className="sm inline" /> <b>{choose.kept}</b>{' '}
              {always.map(({ rule, label, total, line }, index) => (
                <Fragment key={rule}>
                  {index > 0 && ' · '}
                  {label}{' '}
                  <button
                    className="count-btn"
                    type="button"
                    aria-label={choose.show(total, label)}
                    onClick={() => choosing.showRows(line, total)}
                  >
                    {number(total)}
                  </button>
                </Fragment>
              ))}
            </p>
          </td>
        </tr>
      )}
    </tbody>
  );
}

const iconOf = (service: string): IconName => (Object.hasOwn(ICONS, service) ? (service as IconName) : 'link');
