import { Avatar, PersonName } from '../../components/person-name';

interface PersonCellProps {
  person: { name: string; email?: string | null };
}

export function PersonCell({ person: { name, email } }: PersonCellProps) {
  return (
    <div className="person">
      <Avatar name={name} />
      <div>
        <b className="clip" title={name}>
          <PersonName>{name}</PersonName>
        </b>
        {email && <span className="detail clip">{email}</span>}
      </div>
    </div>
  );
}
