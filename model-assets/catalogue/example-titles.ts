/** @module The catalogue that ships with the embedded model: titles of stories such as it tells, made of a few words. */

const NAMES = ['Tom', 'Lily', 'Ben', 'Anna', 'Max', 'Mia', 'Sam', 'Lucy', 'Tim', 'Sue', 'Jack', 'Rose'];
const HEROES = [
  ...['Rabbit', 'Fox', 'Bear', 'Bird', 'Cat', 'Dog', 'Mouse', 'Dragon', 'Princess', 'Boy', 'Girl', 'King'],
  ...['Queen', 'Duck', 'Frog', 'Bee', 'Pony', 'Turtle', 'Lion', 'Fish', 'Giant', 'Witch'],
];
const KINDS = ['Brave', 'Little', 'Happy', 'Lost', 'Kind', 'Clever', 'Sleepy', 'Tiny', 'Silly', 'Lonely'];
const THINGS = [
  ...['Magic Ball', 'Red Balloon', 'Big Tree', 'Golden Key', 'Blue Boat', 'Lost Shoe', 'Warm Hat'],
  ...['Shiny Stone', 'Secret Garden', 'Toy Train', 'Broken Cup', 'Sweet Cake', 'Dark Cave', 'Long River'],
  ...['Silver Bell', 'Old Clock', 'Yellow Kite', 'Deep Forest', 'Noisy Drum', 'Snowy Hill'],
];
/** One in so many of the longest titles, so that they do not outnumber the others. */
const EVERY = 4;

/** Some thousand titles, always the same. */
export function exampleTitles(): string[] {
  const pairs = <A, B>(first: readonly A[], second: readonly B[]) =>
    first.flatMap((a) => second.map((b) => [a, b] as const));
  const kindHeroes = pairs(KINDS, HEROES);
  return [
    ...kindHeroes.map(([kind, hero]) => `The ${kind} ${hero}`),
    ...pairs(HEROES, THINGS).map(([hero, thing]) => `The ${hero} and the ${thing}`),
    ...pairs(NAMES, THINGS).map(([name, thing]) => `${name} and the ${thing}`),
    ...pairs(HEROES, THINGS).map(([hero, thing]) => `How the ${hero} Found the ${thing}`),
    ...pairs(NAMES, kindHeroes)
      .map(([name, [kind, hero]]) => `${name} Meets a ${kind} ${hero}`)
      .filter((_, i) => i % EVERY === 0),
    ...pairs(kindHeroes, THINGS)
      .map(([[kind, hero], thing]) => `The ${kind} ${hero} and the ${thing}`)
      .filter((_, i) => i % EVERY === 1),
  ];
}
