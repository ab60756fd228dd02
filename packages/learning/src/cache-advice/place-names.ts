/** Regions by the short and the long spelling that addresses use: "Austin, TX" and "Austin, Texas" are one place. */
const regions = new Map(
  `al alabama;ak alaska;az arizona;ar arkansas;ca california;co colorado;ct connecticut;de delaware;fl florida;ga georgia;hi hawaii;
  id idaho;il illinois;in indiana;ia iowa;ks kansas;ky kentucky;la louisiana;me maine;md maryland;ma massachusetts;mi michigan;
  mn minnesota;ms mississippi;mo missouri;mt montana;ne nebraska;nv nevada;nh new hampshire;nj new jersey;nm new mexico;ny new york;
  nc north carolina;nd north dakota;oh ohio;ok oklahoma;or oregon;pa pennsylvania;ri rhode island;sc south carolina;sd south dakota;
  tn tennessee;tx texas;ut utah;vt vermont;va virginia;wa washington;wv west virginia;wi wisconsin;wy wyoming;dc district of columbia;
  ab alberta;bc british columbia;mb manitoba;nb new brunswick;ns nova scotia;on ontario;pe prince edward island;qc quebec;
  sk saskatchewan;uk united kingdom;gb united kingdom;us united states;usa united states;uae united arab emirates`
    .split(';')
    .map((entry) => entry.trim().split(/ (.*)/) as [string, string]),
);

const places = new Set([
  ...regions.values(),
  ...`england;scotland;wales;ireland;france;germany;spain;portugal;italy;austria;switzerland;belgium;netherlands;luxembourg;denmark;norway;
  sweden;finland;iceland;poland;czech republic;slovakia;hungary;romania;bulgaria;greece;turkey;ukraine;russia;estonia;latvia;lithuania;
  croatia;serbia;slovenia;egypt;morocco;tunisia;nigeria;kenya;ethiopia;ghana;south africa;israel;jordan;saudi arabia;qatar;iran;iraq;india;
  pakistan;bangladesh;sri lanka;nepal;china;taiwan;japan;south korea;vietnam;thailand;malaysia;singapore;indonesia;philippines;australia;
  new zealand;canada;mexico;cuba;brazil;argentina;chile;peru;colombia;venezuela;ecuador;bolivia;uruguay;paraguay`
    .split(';')
    .map((name) => name.trim()),
]);

/** An address as its parts between commas, with the regions behind the first part in their long spelling. */
export function readPlace(text: string): readonly string[] {
  return text.split(',').map((part, index) => {
    const name = part
      .toLowerCase()
      .replaceAll(/[.\s]+/g, ' ')
      .trim();
    return index === 0 ? name : (regions.get(name) ?? regions.get(name.replaceAll(' ', '')) ?? name);
  });
}

/** Whether one of two addresses goes on with regions where the other ends, as "Boston, MA" does after "Boston". */
export function isSameWithRegion(one: readonly string[], other: readonly string[]): boolean {
  const [short, long] = one.length < other.length ? [one, other] : [other, one];
  if (short.length === long.length || short[0] === '' || /\d/.test(short[0]!)) return false;
  return short.every((part, index) => part === long[index]) && long.slice(short.length).every((part) => places.has(part));
}

/** A text without the regions that follow a place. */
export function withoutRegions(text: string): string {
  if (!text.includes(',')) return text;
  const place = readPlace(text);
  let length = place.length;
  while (length > 1 && places.has(place[length - 1]!)) length--;
  return place.slice(0, length).join(',');
}
